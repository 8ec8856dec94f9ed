package inquire_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

func TestAnAnswerThatCannotBeStoredIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.unknown(1)
	w.vendor.knows[k] = port.Finding{Found: port.FoundDelivered}
	w.fails = errors.New("no database")
	w.clock.Advance(2 * settling)
	if err := w.service.Enqueue(t.Context(), w.asked, port.Span{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.service.AskDue(t.Context(), w.asked); !errors.Is(err, w.fails) {
		t.Errorf("%v", err)
	}
	w.fails = nil
	w.clock.Advance(time.Hour)
	if n := w.look(); n != 1 || len(w.reports) != 1 {
		t.Errorf("%d questions, %d reports", n, len(w.reports))
	}
}

// An answer that makes the program panic is none: the process would end each time.
func TestAProviderThatGivesNoAnswerIsAskedAgain(t *testing.T) {
	t.Parallel()
	for detail, fails := range map[string]func(v *vendor, yes bool){
		"connection refused":                 func(v *vendor, yes bool) { v.down = yes },
		"the answer made this program panic": func(v *vendor, yes bool) { v.panics = yes },
	} {
		t.Run(detail, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			k := w.unknown(1)
			w.vendor.knows[k] = port.Finding{Found: port.FoundAccepted}
			fails(w.vendor, true)
			w.clock.Advance(2 * settling)
			w.look()
			asked, err := w.store.Inquiries().Asked(t.Context(), k.Target())
			if err != nil || len(asked) != 1 || asked[0].Last.Found != port.FoundNoAnswer || asked[0].Last.Detail != detail || asked[0].Again.IsZero() {
				t.Fatalf("%+v, %v", asked, err)
			}
			fails(w.vendor, false)
			w.clock.Advance(2 * time.Minute)
			if w.look(); w.row(k).State != attempt.Succeeded {
				t.Errorf("%+v", w.row(k))
			}
		})
	}
}

// What one answer says cannot be stored: the answers beside it are.
func TestAnAnswerThatIsRefusedHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, bad, last := w.unknown(1), w.unknown(2), w.unknown(3)
	for _, k := range []key.Delivery{first, bad, last} {
		w.vendor.knows[k] = port.Finding{Found: port.FoundDelivered}
	}
	w.refused = &bad
	w.clock.Advance(2 * settling)
	w.look()
	if len(w.reports) != 2 || w.reports[0].Key != first || w.reports[1].Key != last {
		t.Errorf("stored: %+v", w.reports)
	}
	asked, err := w.store.Inquiries().Asked(t.Context(), bad.Target())
	if err != nil || len(asked) != 1 || asked[0].Last.Found != port.FoundNoAnswer || asked[0].Again.IsZero() {
		t.Errorf("%+v, %v", asked, err)
	}
}
