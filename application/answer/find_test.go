package answer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// has gives customers a bill of a month.
func (w *world) has(month key.Month, customers ...string) {
	w.Helper()
	w.must(w.store.Months().Open(w.Context(), month))
	for i, customer := range customers {
		bill := port.ImportedBill{
			Customer: customer, State: billing.New(key.Target{Month: month}, w.clock.Now()).State(), Data: []byte(`{}`),
			Destinations: map[channel.Kind]string{channel.Email: "kim@example.com"}, Fingerprint: [32]byte{byte(i)}, File: "bills.csv", Line: i + 2,
		}
		_, err := w.store.Imports().Store(w.Context(), month, []port.ImportedBill{bill}, w.cipher.Seal)
		w.must(err)
	}
}

func TestACustomerNumberIsFoundInAnyCaseAndWithOrWithoutBlanks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "Ab 1", "AB1", "C-7", "only in November")
	w.has(november+1, "AB1", "ab1")
	for name, c := range map[string]struct {
		month    key.Month
		asked    string
		month2   key.Month
		customer string
		err      error
	}{
		"the very one first":                   {november, "AB1", november, "AB1", nil},
		"the very one, with a blank":           {november, "Ab 1", november, "Ab 1", nil},
		"in another case":                      {november, "c-7", november, "C-7", nil},
		"with blanks":                          {november, " C - 7 ", november, "C-7", nil},
		"the one that has a bill in the month": {november + 1, "Ab 1", 0, "", billing.ErrRefused},
		"several":                              {november, "aB1", 0, "", billing.ErrRefused},
		"in another width":                     {november, "\uff23-7\u200b", november, "C-7", nil},
		"nobody":                               {november, "C-8", 0, "", port.ErrNotFound},
		"the latest month":                     {0, "AB1", november + 1, "AB1", nil},
		"the latest month that has it":         {0, "ONLY IN NOVEMBER", november, "only in November", nil},
		"nobody in any month":                  {0, "C-8", 0, "", port.ErrNotFound},
	} {
		found, err := answer.New(w.ports).Find(t.Context(), c.month, c.asked)
		if !errors.Is(err, c.err) || found.Customer != c.customer || c.err == nil && found.Target.Key().Month != c.month2 {
			t.Errorf("%s: %q of %s (%v), want %q of %s (%v)", name, found.Customer, found.Target.Key().Month, err, c.customer, c.month2, c.err)
		}
		if _, explained := errors.AsType[*answer.NoBill](err); explained != (errors.Is(c.err, port.ErrNotFound) && c.month != 0) {
			t.Errorf("%s: what is known of a month without the bill belongs to %v: %T", name, c.err, err)
		}
		if errors.Is(c.err, billing.ErrRefused) && !strings.Contains(err.Error(), `"AB1"`) {
			t.Errorf("%s: it does not list the numbers: %v", name, err)
		}
	}
	s, err := answer.New(w.ports).Why(t.Context(), 0, "ab 1 ")
	if !errors.Is(err, billing.ErrRefused) {
		t.Errorf("why of a number of two customers: %+v, %v", s, err)
	}
	if s, err = answer.New(w.ports).Why(t.Context(), 0, "c-7"); err != nil || s.Customer != "C-7" || s.Month != november {
		t.Errorf("why without a month: %+v, %v", s, err)
	}
}

func TestWithoutAMonthTheOtherMonthsOfTheCustomerAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(1, billing.Succeeded) // C-0 in November
	w.has(november+1, "C-0", "C-9")
	w.has(november-2, "C-0")
	s, err := answer.New(w.ports).Why(t.Context(), 0, "c-0")
	w.must(err)
	if got := fmt.Sprint(s.OtherMonths); s.Month != november+1 || got != "[{2026-11 SUCCEEDED} {2026-09 READY}]" {
		t.Errorf("%s was taken, the others are %s", s.Month, got)
	}
	if s, err = answer.New(w.ports).Why(t.Context(), november, "C-0"); err != nil || len(s.OtherMonths) != 0 {
		t.Errorf("of the month that was asked for: %v, %v", s.OtherMonths, err)
	}
	if s, err = answer.New(w.ports).Why(t.Context(), 0, "C-9"); err != nil || len(s.OtherMonths) != 0 {
		t.Errorf("of a customer of one month: %v, %v", s.OtherMonths, err)
	}
}

func TestAHyphenThatWasHeardAsABlankIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "7699-YQHFP", "200 001")
	for _, month := range []key.Month{0, november} {
		_, err := answer.New(w.ports).Find(t.Context(), month, "7699 yqhfp")
		if !errors.Is(err, port.ErrNotFound) || !strings.Contains(err.Error(), "did you mean 7699-YQHFP?") {
			t.Errorf("in %s: %v", month, err)
		}
		if found, err := answer.New(w.ports).Find(t.Context(), month, "200  001"); err != nil || found.Customer != "200 001" {
			t.Errorf("found %q in %s: %v", found.Customer, month, err)
		}
	}
	if _, err := answer.New(w.ports).Find(t.Context(), november, "7699 nobody"); err == nil || strings.Contains(err.Error(), "did you mean") {
		t.Errorf("somebody is meant: %v", err)
	}
}

func TestAHyphenThatWasLeftOutOrTypedAsAnotherDashIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "7699-YQHFP", "고객-77", "AB12")
	for asked, meant := range map[string]string{
		"7699yqhfp": "7699-YQHFP", "7699–YQHFP": "7699-YQHFP", "7699_yqhfp": "7699-YQHFP", "고객77": "고객-77", "AB-12": "AB12",
	} {
		for _, month := range []key.Month{0, november} {
			_, err := answer.New(w.ports).Find(t.Context(), month, asked)
			if !errors.Is(err, port.ErrNotFound) || !strings.Contains(err.Error(), "(did you mean "+meant+"?)") {
				t.Errorf("%q in %s: %v", asked, month, err)
			}
		}
	}
	_, err := answer.New(w.ports).Find(t.Context(), november+1, "7699-yqhfp")
	if _, explained := errors.AsType[*answer.NoBill](err); !explained {
		t.Errorf("in a month without the bill its own number is meant: %v", err)
	}
}

func TestARefusedRowIsFoundWithoutAMonthAndInAnyCase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "k7001")
	w.has(november + 1)
	_, err := w.store.Imports().Reject(t.Context(), november, []port.Reject{{Customer: "K-7001", File: "bills.csv", Line: 9, Field: "amount", Reason: "is no number"}})
	w.must(err)
	for _, month := range []key.Month{0, november} {
		for _, asked := range []string{"K-7001", "k-7001", "Ｋ－７００１"} {
			_, err := answer.New(w.ports).Find(t.Context(), month, asked)
			none, explained := errors.AsType[*answer.NoBill](err)
			if !explained || none.Month != november || len(none.Lines) != 1 || !strings.Contains(none.Headline, `"K-7001" has no bill in 2026-11: its row was refused`) {
				t.Errorf("%q in %s: %v", asked, month, err)
			}
		}
	}
}
