package porttest

import (
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

func ledgerOutcomeChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("closes a key without a row, once", ledgerClose),
		onStage("leaves a key that has a row as it is when closing", ledgerCloseTaken),
		onStage("refuses to close a key as anything but NOT_SENT or FAILED", ledgerCloseRefused),
		onStage("records exactly what the rules allow", ledgerRecordTable),
		onStage("records success though the row was closed without a claim", ledgerRecordClosed),
		onStage("records every field of an outcome, and keeps what the outcome does not say", ledgerRecordFields),
		onStage("records safely again", ledgerRecordAgain),
		onStage("records nothing for a key without a row", ledgerRecordNoRow),
		onStage("records an outcome though the lease has ended", ledgerRecordLate),
		onStage("finds the rows there are, sorted", ledgerFind),
	}
}

func ledgerClose(s *stage) {
	keys := ledgerKeys(2)
	notSent, failed := closing(keys[0], attempt.NotSent), closing(keys[1], attempt.Failed)
	failed.Class, failed.Reason, failed.NotBefore = attempt.Suppressed, attempt.ReasonSuppress, time.Time{}
	before := s.now()
	keysAre(s, "closed", s.closed(failed, notSent), keys...)
	for _, c := range []attempt.Closing{notSent, failed} {
		row := s.row(c.Key)
		want := attempt.Row{
			Key: c.Key, State: c.State, Facts: c.Facts, Class: c.Class, Reason: c.Reason,
			NotBefore: c.NotBefore, FinishedAt: c.FinishedAt, ChangedAt: row.ChangedAt,
		}
		if row != want || row.ChangedAt.Before(normal(before)) {
			s.Errorf("the row is\n%+v, want\n%+v", row, want)
		}
	}
	first := s.row(keys[0])
	keysAre(s, "closed again", s.closed(failed, notSent))
	if again := s.row(keys[0]); again != first {
		s.Errorf("closing again changed the row from\n%+v to\n%+v", first, again)
	}
	keysAre(s, "closed of nothing", s.closed())
}

func ledgerCloseTaken(s *stage) {
	free := ledgerKey(len(attempt.States))
	closings := []attempt.Closing{closing(free, attempt.Failed)}
	before := map[key.Delivery]attempt.Row{}
	for i, state := range attempt.States {
		k := ledgerKey(i)
		s.bring(k, state)
		before[k] = s.row(k)
		closings = append(closings, closing(k, attempt.Failed))
	}
	keysAre(s, "closed", s.closed(closings...), free)
	for k, row := range before {
		if after := s.row(k); after != row {
			s.Errorf("closing changed\n%+v to\n%+v", row, after)
		}
	}
}

func ledgerCloseRefused(s *stage) {
	for i, state := range attempt.States {
		if state == attempt.NotSent || state == attempt.Failed {
			continue
		}
		k := ledgerKey(i)
		inserted, err := s.Ledger.Close(s.ctx, []attempt.Closing{closing(k, state)})
		if err == nil || len(inserted) != 0 || s.row(k).State != "" {
			s.Errorf("a key was closed as %s: %v, %v", state, inserted, err)
		}
	}
}

// recordCase is one cell of the table: what is recorded on a row, from whom.
type recordCase struct {
	key     key.Delivery
	from    attempt.State
	outcome attempt.Outcome
	before  attempt.Row
}

func (c recordCase) String() string {
	return fmt.Sprintf("%s, recorded %s by token %d, manual %v", c.from, c.outcome.State, c.outcome.Token[0], c.outcome.Verdict)
}

// recordCases are all of them: each state × each outcome × the right, a wrong and no token × a call or an operator.
func recordCases() []recordCase {
	var cases []recordCase
	for _, from := range attempt.States {
		for _, to := range []attempt.State{attempt.Succeeded, attempt.Failed, attempt.NotSent, attempt.Unknown} {
			for _, by := range []attempt.Token{token(1), token(2), {}} {
				for _, manual := range []bool{false, true} {
					k := ledgerKey(len(cases))
					o := outcome(k, by, to)
					o.Verdict = manual
					o.Reason, o.FinishedAt = attempt.ReasonNoAnswer, noon.Add(time.Hour)
					cases = append(cases, recordCase{key: k, from: from, outcome: o})
				}
			}
		}
	}
	return cases
}

// ledgerRecordTable compares every cell with attempt.Row.Accepts, in one call.
func ledgerRecordTable(s *stage) {
	cases := recordCases()
	var outcomes []attempt.Outcome
	var want []key.Delivery
	for i := range cases {
		c := &cases[i]
		s.bring(c.key, c.from)
		c.before = s.row(c.key)
		outcomes = append(outcomes, c.outcome)
		if after, _ := c.before.Apply(c.outcome); after.State == c.outcome.State {
			want = append(want, c.key)
		}
	}
	hold := s.record(outcomes...)
	for _, c := range cases {
		after := s.row(c.key)
		expected, accepted := c.before.Apply(c.outcome)
		expected.NotBefore, expected.FinishedAt = normal(expected.NotBefore), normal(expected.FinishedAt)
		if accepted {
			if after.ChangedAt.Before(c.before.ChangedAt) {
				s.Errorf("%s: changed at %s, before that at %s", c, after.ChangedAt, c.before.ChangedAt)
			}
			expected.ChangedAt = after.ChangedAt
		}
		if after != expected {
			s.Errorf("%s (accepted: %v): the row is\n%+v, want\n%+v", c, accepted, after, expected)
		}
		if got := slices.Contains(hold, c.key); got != slices.Contains(want, c.key) {
			s.Errorf("%s: returned: %v", c, got)
		}
	}
}

func ledgerRecordClosed(s *stage) {
	for i, state := range []attempt.State{attempt.NotSent, attempt.Failed} {
		k := ledgerKey(i)
		keysAre(s, "closed", s.closed(closing(k, state)), k)
		// Nobody owns the row: no token is the right one.
		for _, by := range []attempt.Token{{}, token(1)} {
			s.record(outcome(k, by, attempt.Unknown))
			if got := s.row(k).State; got != state {
				s.Errorf("%s became %s", state, got)
			}
		}
		keysAre(s, "accepted after all", s.record(outcome(k, token(1), attempt.Succeeded)), k)
	}
}

func ledgerRecordFields(s *stage) {
	keys := ledgerKeys(3)
	for _, k := range keys {
		s.claimed(k, token(1))
	}
	accepted := outcome(keys[0], token(1), attempt.Succeeded)
	accepted.Provider, accepted.ProviderMessageID = "sms-2", "<id \"1\" @ provider — 가>"
	accepted.FinishedAt = noon.Add(1234567 * time.Microsecond)
	accepted.Charge = cost.Charge{Units: cost.Units{Unit: cost.Segment, Count: 2}, Amount: 16_600, Currency: "USD"}
	throttled := outcome(keys[1], token(1), attempt.NotSent)
	throttled.Class, throttled.Reason, throttled.NotBefore = attempt.Throttled, attempt.ReasonThrottled, noon.Add(time.Hour)
	throttled.Detail = "429 slow down — 천천히"
	refused := outcome(keys[2], token(1), attempt.Failed)
	refused.Class, refused.Reason, refused.Detail = attempt.Permanent, attempt.ReasonRefused, "550 5.1.1 no such mailbox"
	want := make([]attempt.Row, 3)
	for i, o := range []attempt.Outcome{accepted, throttled, refused} {
		want[i], _ = s.row(keys[i]).Apply(o)
	}
	keysAre(s, "recorded", s.record(refused, throttled, accepted), keys...)
	for i, k := range keys {
		row := s.row(k)
		want[i].ChangedAt = row.ChangedAt
		if row != want[i] {
			s.Errorf("the row is\n%+v, want\n%+v", row, want[i])
		}
	}
	late := outcome(keys[2], token(2), attempt.Succeeded)
	s.record(late)
	if got := s.row(keys[2]).Detail; got != refused.Detail {
		s.Errorf("an answer without words left %q of %q", got, refused.Detail)
	}
}

func ledgerRecordAgain(s *stage) {
	k := ledgerKey(0)
	s.claimed(k, token(1))
	refused := outcome(k, token(1), attempt.Failed)
	refused.Class = attempt.Temporary
	for range 3 {
		keysAre(s, "recorded", s.record(refused), k)
	}
	if row := s.row(k); row.State != attempt.Failed || row.Class != attempt.Temporary {
		s.Errorf("the row is %+v", row)
	}
	keysAre(s, "recorded of nothing", s.record())
}

func ledgerRecordNoRow(s *stage) {
	k := ledgerKey(0)
	keysAre(s, "recorded", s.record(outcome(k, token(1), attempt.Succeeded)))
	if row := s.row(k); row.State != "" {
		s.Errorf("recording made a row that is %s", row.State)
	}
}

func ledgerRecordLate(s *stage) {
	keys := ledgerKeys(2)
	for i, state := range []attempt.State{attempt.NotSent, attempt.Succeeded} {
		s.leaseOver(keys[i], token(1))
		keysAre(s, "recorded", s.record(outcome(keys[i], token(1), state)), keys[i])
	}
}

func ledgerFind(s *stage) {
	keys := ledgerKeys(4)
	for _, i := range []int{3, 0, 1} {
		s.claimed(keys[i], token(1))
	}
	rows := given(s.Ledger.Find(s.ctx, []key.Delivery{keys[3], keys[2], keys[0], keys[1]}))(s)
	var got []key.Delivery
	for _, row := range rows {
		got = append(got, row.Key)
	}
	keysAre(s, "found", got, keys[0], keys[1], keys[3])
	if none := given(s.Ledger.Find(s.ctx, nil))(s); len(none) != 0 {
		s.Errorf("found %v of nothing", none)
	}
}
