package answer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// words are the stored texts of every customer.
var words = map[channel.Kind]port.Variant{
	channel.Email: {Subject: "Your bill", HTML: "<p>12,300\n</p>", Text: "12,300"},
	channel.SMS:   {Text: "<청구> 12,300원", Class: "SMS"},
	channel.Push:  {Title: "Bill", Text: "12,300"},
}

// rendered stores the statement of C-0 with a cipher's keys, and returns where it lies.
func (w *world) rendered(cipher port.Cipher) (target key.Target, ref port.StatementRef) {
	w.Helper()
	found, err := answer.New(w.ports).Find(w.Context(), november, "C-0")
	w.must(err)
	target = found.Target.Key()
	entry, err := statement.Seal(port.Statement{Target: target, Variants: words}, cipher)
	w.must(err)
	refs, err := w.ports.Packs.Put(w.Context(), "2026-11/000001-abc", [][]byte{entry})
	w.must(err)
	sealed, err := statement.SealReference(refs[0], target, cipher)
	w.must(err)
	origin, err := w.ports.Report.Origin(w.Context(), target)
	w.must(err)
	_, err = w.store.Renders().Mark(w.Context(), []port.RenderedBill{{Target: target, Version: origin.Version, Statement: sealed}}, 1, w.clock.Now())
	w.must(err)
	return target, refs[0]
}

// accepted notes in the ledger that a gateway took the e-mail.
func (w *world) accepted(target key.Target) {
	w.Helper()
	claim := attempt.Claim{
		Key: key.Delivery{Month: target.Month, UserID: target.UserID}, Facts: attempt.Facts{Channel: channel.Email}, Provider: "smtp", Token: attempt.Token{1}, Lease: time.Minute,
	}
	_, err := w.store.Ledger().Claim(w.Context(), []attempt.Claim{claim})
	w.must(err)
	_, err = w.store.Ledger().Record(w.Context(), []attempt.Outcome{{Key: claim.Key, State: attempt.Succeeded, Token: claim.Token, FinishedAt: w.clock.Now()}})
	w.must(err)
}

func TestTheStoredStatementIsShownByteForByteWithWhatBecameOfItOnEachChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.Packs = memory.NewPacks()
	w.bills(1, billing.Succeeded)
	target, _ := w.rendered(w.cipher)
	w.accepted(target)
	s, err := answer.New(w.ports).Stored(t.Context(), november, " c-0", 0)
	w.must(err)
	if s.Customer != "C-0" || s.Dispatch != billing.Succeeded || len(s.Channels) != 3 || s.Remark != "" || !s.RenderedAt.Equal(w.clock.Now()) {
		t.Fatalf("%+v", s)
	}
	for _, v := range s.Channels {
		if v.Variant != words[v.Channel] {
			t.Errorf("%s shows %+v, want %+v", v.Channel, v.Variant, words[v.Channel])
		}
	}
	if v := s.Channels[0]; v.To != "k***@example.com" || !strings.Contains(v.Standing, "accepted on 2026-11-22 03:00:00 UTC under the key 2026-11/1/0/0") {
		t.Errorf("the e-mail went %+v", v)
	}
	if v := s.Channels[1]; v.To != "" || !strings.Contains(v.Standing, "no destination") {
		t.Errorf("the text message went %+v", v)
	}
	w.has(november-1, "C-0")
	if s, err = answer.New(w.ports).Stored(t.Context(), 0, "C-0", 0, channel.SMS); err != nil || len(s.Channels) != 1 || s.Channels[0].Channel != channel.SMS || len(s.OtherMonths) != 1 {
		t.Errorf("of one channel: %+v, %v", s, err)
	}
}

func TestOfABillThatWasCorrectedAfterItWasAcceptedTheWordsOfNowAreNotTakenForThoseOfThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.Packs = memory.NewPacks()
	w.bills(1, billing.Ready)
	target, _ := w.rendered(w.cipher)
	w.accepted(target)
	w.clock.Advance(time.Hour)
	w.rendered(w.cipher)
	if s, err := answer.New(w.ports).Stored(t.Context(), november, "C-0", 0); err != nil || !strings.Contains(s.Remark, "had the words of before") {
		t.Errorf("%q, %v", s.Remark, err)
	}
}

func TestAStatementThatCannotBeShownIsToldWithWhatToDo(t *testing.T) {
	t.Parallel()
	removed := func(w *world) {
		_, err := w.ports.Packs.(*memory.Packs).Remove(w.Context(), "2026-11/", nil)
		w.must(err)
	}
	for name, c := range map[string]struct {
		given func(w *world)
		err   error
		told  []string
	}{
		"not rendered": {func(*world) {}, port.ErrNotFound, []string{"not rendered yet", "balsong batch render --month 2026-11", "balsong render --preview 2026-11 C-0"}},
		"failed": {func(w *world) {
			_, err := w.store.Renders().Mark(w.Context(), []port.RenderedBill{{Target: key.Target{Month: november, UserID: 1}, Version: 1, Failed: "no name"}}, 1, w.clock.Now())
			w.must(err)
		}, port.ErrNotFound, []string{"could not be rendered (no name)", "--correct", "balsong batch render --month 2026-11 --failed"}},
		"the object is gone": {func(w *world) { w.rendered(w.cipher); removed(w) }, port.ErrContent, []string{"restore the object 2026-11/000001-abc of the bucket memory"}},
		"another object lies there": {func(w *world) {
			w.rendered(w.cipher)
			_, err := w.ports.Packs.Put(w.Context(), "2026-11/000001-abc", [][]byte{make([]byte, 4096)})
			w.must(err)
		}, port.ErrContent, []string{"restore the object"}},
		"a key is unknown": {func(w *world) { w.rendered(memory.NewCipher()) }, port.ErrUnknownKey, []string{"balsong keyset show", "BALSONG_KEYSET"}},
		"no keys":          {func(w *world) { w.rendered(w.cipher); w.ports.Cipher = nil }, answer.ErrNoKeys, nil},
		"no store":         {func(w *world) { w.rendered(w.cipher); w.ports.Packs = away{} }, port.ErrUnavailable, []string{"BALSONG_S3_"}},
		"the month is gone": {func(w *world) {
			w.must(w.store.Months().Close(w.Context(), november, "", port.Act{Actor: "kim", Reason: "a test"}))
			w.must(w.store.Retention().Drop(w.Context(), november, port.Act{Actor: "kim", Reason: "a test"}))
		}, port.ErrNotFound, []string{"removed by retention"}},
	} {
		w := newWorld(t)
		w.ports.Packs = memory.NewPacks()
		w.bills(1, billing.Ready)
		c.given(w)
		_, err := answer.New(w.ports).Stored(t.Context(), november, "C-0", 0)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
			continue
		}
		for _, told := range c.told {
			if !strings.Contains(err.Error(), told) {
				t.Errorf("%s: %q does not say %q", name, err, told)
			}
		}
	}
}

// away is a store that does not answer.
type away struct{ port.Packs }

func (away) Get(context.Context, port.StatementRef, []byte) ([]byte, error) {
	return nil, port.ErrUnavailable
}
