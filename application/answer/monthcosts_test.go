package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

func TestTheStatusOfAMonthThatIsNamedSaysWhatItCosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for user, c := range []struct {
		state  attempt.State
		charge cost.Charge
	}{
		{attempt.Succeeded, cost.Charge{Units: cost.Units{Unit: cost.LMS, Count: 1}, Amount: 30_000_000, Currency: "KRW"}},
		{attempt.Succeeded, cost.Charge{}},
		{attempt.Unknown, cost.Charge{Units: cost.Units{Unit: cost.SMS, Count: 1}, Amount: 9_900_000, Currency: "KRW"}},
	} {
		k, token := key.Delivery{Month: november, UserID: int64(user) + 1}, attempt.Token{1}
		_, err := w.store.Ledger().Claim(t.Context(), []attempt.Claim{{Key: k, Facts: attempt.Facts{Channel: channel.SMS, PolicyID: 1, PolicyVersion: 1}, Token: token, Provider: "nhn", Lease: time.Second}})
		w.must(err)
		_, err = w.store.Ledger().Record(t.Context(), []attempt.Outcome{{Key: k, Token: token, State: c.state, Provider: "nhn", Charge: c.charge, FinishedAt: w.clock.Now()}})
		w.must(err)
	}
	if s := w.status(); len(s.Months) != 1 || len(s.Months[0].Costs) != 0 {
		t.Errorf("no month is named, and the ledger of %+v is read", s.Months)
	}
	var got []string
	for _, c := range w.status(november).Months[0].Costs {
		got = append(got, fmt.Sprint(c))
	}
	slices.Sort(got)
	want := []string{"sms/nhn, 1 message as lms: KRW 30", "sms/nhn, 1 message as sms: KRW 9.9, if accepted (UNKNOWN)", "sms/nhn, 1 message: not known"}
	if !slices.Equal(got, want) {
		t.Errorf("the costs are %q, want %q", got, want)
	}
}

// Reading a month's whole ledger may take longer than a statement has: the rest of the status is told all the same.
func TestTheStatusIsToldWhereTheCostsCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := 0
	w.store.Fail(func(op string) error {
		if op == "report.costs" {
			asked++
			return port.ErrUnavailable
		}
		return nil
	})
	if _, err := answer.New(w.ports).Due(t.Context(), []key.Month{november}); err != nil || asked != 0 {
		t.Errorf("what is due asked for costs %d times: %v", asked, err)
	}
	if m := w.status(november).Months[0]; len(m.Costs) != 0 || !strings.Contains(m.CostProblem, port.ErrUnavailable.Error()) {
		t.Errorf("costs %v, problem %q", m.Costs, m.CostProblem)
	}
}
