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
