package answer_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func TestWhatIsDueIsToldBeforeARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seoul()
	w.bills(3, billing.Ready)
	w.bills(2, billing.Succeeded) // two of them
	before, err := answer.New(w.ports).Due(t.Context(), nil)
	w.must(err)
	if before.Bills() != 1 || before.Policy == "" || fmt.Sprint(before.Route) != "[EMAIL]" || !before.Suppressed.IsZero() {
		t.Errorf("%+v", before)
	}
	mail := []port.Contact{{UserID: 2, Channel: channel.Email}}
	w.must(w.store.Suppressions().Suppress(t.Context(), policy.ScopeAdvertising, mail, port.Act{Actor: "kim", Reason: "by mail", At: w.clock.Now()}))
	w.clock.Advance(time.Hour)
	w.must(w.store.Suppressions().Lift(t.Context(), mail, port.Act{Actor: "kim", Reason: "by mail", At: w.clock.Now()}))
	after, err := answer.New(w.ports).Due(t.Context(), nil)
	w.must(err)
	if after.Suppressions != 0 || !after.Suppressed.Equal(w.clock.Now()) {
		t.Errorf("%+v", after)
	}
	if _, err := answer.New(w.ports).Due(t.Context(), []key.Month{november + 5}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("a month that nobody opened: %v", err)
	}
}

func TestWhatIsDueNamesHaltsAndWhoHasACodeForAlimTalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seoul()
	w.bills(1, billing.Ready)
	w.must(w.store.ChannelHalts().Set(t.Context(), channel.SMS, true, 0, port.Act{Actor: "kim", Reason: "prices", At: w.clock.Now()}))
	set := func(number int16, files map[string]string) {
		_, err := w.store.TemplateSets().Add(t.Context(), november, port.TemplateSet{Number: number, Fingerprint: [32]byte{byte(number)}, Name: "words", Files: files, AddedAt: w.clock.Now()})
		w.must(err)
	}
	for _, c := range []struct {
		files map[string]string
		have  string
	}{
		{map[string]string{"ko/alimtalk.json": `{"codes": {"solapi": "B", "nhn": "A"}}`}, "[nhn solapi]"},
		{map[string]string{"ko/alimtalk.json": `{"codes": {"solapi": "B", "nhn": "A"}}`, "en/alimtalk.json": `{"codes": {"nhn": "C", "solapi": ""}}`}, "[nhn]"},
		{map[string]string{"ko/alimtalk.json": `{`, "ko/sms.tmpl": "x"}, "[]"},
		{map[string]string{"ko/sms.tmpl": "x"}, "[]"},
	} {
		sets, err := w.store.TemplateSets().Of(t.Context(), november)
		w.must(err)
		set(int16(len(sets)+1), c.files)
		due, err := answer.New(w.ports).Due(t.Context(), nil)
		w.must(err)
		if fmt.Sprint(due.Months[0].AlimTalk) != c.have || due.Months[0].Templates == "" || due.Halted || fmt.Sprint(due.HaltedOn) != "[SMS]" {
			t.Errorf("%v: %+v", c.files, due)
		}
	}
}
