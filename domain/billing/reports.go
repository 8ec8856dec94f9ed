package billing

import (
	"fmt"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Effective returns the target's ledger rows as they and the reports about their keys say together (R11). Whether a report takes an
// acceptance back is decided by the policy version of the row. reports must be all about the target, in any order; repetitions
// change nothing. policy.ErrInvalid if a report asks for a policy version that is gone.
func (t Target) Effective(rows []attempt.Row, reports []report.Report, policies Policies) ([]attempt.Row, error) {
	if len(reports) == 0 {
		return rows, nil
	}
	about := make(map[int][]report.Report, len(rows)) // by the row's place
	for i, row := range rows {
		for _, r := range reports {
			if r.Key == row.Key && r.Decides() {
				about[i] = append(about[i], r)
			}
		}
	}
	effective := append([]attempt.Row(nil), rows...)
	for i, said := range about {
		takeBack, err := t.takesBack(rows[i], policies)
		if err != nil {
			return nil, err
		}
		effective[i] = report.Effective(rows[i], said, takeBack)
	}
	return effective, nil
}

// takesBack reports whether the policy of a row lets the route continue after its message was not delivered.
func (t Target) takesBack(row attempt.Row, policies Policies) (bool, error) {
	ref := policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}
	if ref.IsZero() {
		ref = t.s.Policy
	}
	if ref.IsZero() {
		return false, nil
	}
	version, ok := policies(ref)
	if !ok {
		return false, fmt.Errorf("%w: %s: its ledger row names policy %s, which is gone", policy.ErrInvalid, row.Key, ref)
	}
	return version.UndeliveredFor(row.Channel) == policy.UndeliveredNext, nil
}

// settleTakenBack takes a target out of SUCCEEDED of which no row is accepted any more, because a report took that back (R11). Where an
// end was pending, or had been reached before, it gets that one.
func (t *Target) settleTakenBack(current *attempt.Row, rows []attempt.Row, policies Policies) (Settlement, error) {
	reported := false
	for _, row := range rows {
		reported = reported || row.Reported
	}
	if !reported || current == nil || !current.State.Closed() {
		return Unchanged, nil // no report did that
	}
	next := *t
	next.s.Dispatch = Requested // it goes on from where it was
	settlement, err := Changed, error(nil)
	switch end := t.s.PendingEnd; {
	case end == WrittenOff, end != "" && current.State != attempt.Unknown:
		next.s.Dispatch, next.s.PendingEnd = end, ""
	case current.State == attempt.Revoked:
		err = next.reopenRevoked(*current)
	default:
		settlement, err = next.settleCurrent(*current, rows, policies)
	}
	if err == nil && settlement == Changed && lossBelow(*current, rows) {
		_, err = next.HoldRestored()
	}
	if err != nil || settlement != Changed {
		return Unchanged, err
	}
	if !Can(Succeeded, EventTakeBack, next.s.Dispatch) {
		return Unchanged, fmt.Errorf("%w: %s: what was taken back does not become %s", ErrTransition, t.s.Key, next.s.Dispatch)
	}
	*t = next
	return Changed, nil
}

// reopenRevoked takes the round behind a key that was revoked for a late success which was taken back: a closed key is never used again.
func (t *Target) reopenRevoked(row attempt.Row) error {
	if t.s.Round >= lastRound {
		if err := t.move(EventRounds, Paused); err != nil {
			return err
		}
		t.s.Pause = PauseRounds
		return nil
	}
	if err := t.move(EventPutBack, Ready); err != nil {
		return err
	}
	t.nextRound(row.FinishedAt)
	return nil
}

// ForCorrection returns the ledger row of the current key as MayCorrect sees it, nil if there is none: where the content was refused by
// a report, after the message had been accepted, the data may be corrected as after a refusal at once.
func (t Target) ForCorrection(current *attempt.Row, reports []report.Report) *attempt.Row {
	if current == nil || t.s.Dispatch != Paused || t.s.Pause != PauseContent {
		return current
	}
	row := report.Effective(*current, reports, true)
	return &row
}
