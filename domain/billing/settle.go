package billing

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Settlement is the result of comparing a target with its ledger rows.
type Settlement string

// The settlements.
const (
	Unchanged   Settlement = "UNCHANGED"    // the target already agrees with the ledger
	Changed     Settlement = "CHANGED"      // the target was brought in line: store it
	RevokeFirst Settlement = "REVOKE_FIRST" // an older try was accepted: revoke the current key, then call Accepted
)

// Policies finds a policy version; it reports false if there is none.
type Policies func(policy.Ref) (policy.Version, bool)

// Settle brings the target in line with its ledger rows (R7). It is a pure function, used by the consumer of results
// and by the sweep. rows must be all of the target's rows, read after the target was locked, as Effective returns them.
//
// RevokeFirst asks the caller to try to revoke the current key and to pass the result to Accepted: the rows read before
// that insert do not decide.
func (t *Target) Settle(rows []attempt.Row, policies Policies) (Settlement, error) {
	current := attempt.RowOf(rows, t.Delivery())
	if slices.ContainsFunc(rows, func(r attempt.Row) bool { return r.State == attempt.Succeeded }) {
		return t.settleAccepted(current)
	}
	if t.s.Dispatch == Succeeded {
		return t.settleTakenBack(current, rows, policies)
	}
	if current == nil || current.State == attempt.Claimed || current.State == attempt.Revoked {
		return Unchanged, nil
	}
	switch t.s.Dispatch {
	case Ready, Failed, Requested, Paused:
		return t.settleCurrent(*current, rows, policies)
	case Unknown:
		if current.State == attempt.Failed || current.State == attempt.NotSent {
			return t.settleCurrent(*current, rows, policies)
		}
	default: // at an end
	}
	return Unchanged, nil
}

// SucceedsPlainly reports whether Settle changes the status to SUCCEEDED and nothing else, whatever other rows there are: the
// row of the current key is SUCCEEDED, which it stays for ever, no report about that key takes it back, and the target waits for
// just that. A store may therefore find such targets and change them in one statement.
func (t Target) SucceedsPlainly(current attempt.Row, reports []report.Report) bool {
	return t.s.Dispatch == Requested && t.s.PendingEnd == "" && current.Key == t.Delivery() && current.State == attempt.Succeeded &&
		!slices.ContainsFunc(reports, func(r report.Report) bool { return r.Key == current.Key && r.TakesBack() })
}

func (t *Target) settleAccepted(current *attempt.Row) (Settlement, error) {
	if t.s.Dispatch == Succeeded {
		return Unchanged, nil
	}
	if current == nil || current.State == attempt.Claimed {
		return RevokeFirst, nil
	}
	// A closed row is never claimed again, so no call can be made for the current key.
	return Changed, t.move(EventSucceed, Succeeded)
}

// Accepted ends a target of which some try was accepted, after the caller has tried to revoke the current key. revoked
// reports whether that insert returned the key; current is the state of the key's row as read after the insert. If a
// claim came first, its outcome must be known before the target can end, and the target is Unchanged.
func (t *Target) Accepted(revoked bool, current attempt.State) (Settlement, error) {
	if !revoked && !current.Closed() {
		return Unchanged, nil
	}
	return Changed, t.move(EventSucceed, Succeeded)
}

func (t *Target) settleCurrent(row attempt.Row, rows []attempt.Row, policies Policies) (Settlement, error) {
	ref := policy.Ref{ID: row.PolicyID, Version: row.PolicyVersion}
	if ref.IsZero() {
		ref = t.s.Policy // of an event that could not be decoded as far as its policy
	}
	version, ok := policies(ref)
	content := row.State == attempt.Failed && row.Class == attempt.Content // pauses the target, whatever its policy says
	if !ok && !content {
		return Unchanged, fmt.Errorf("%w: %s: its ledger row names policy %d v%d, which is gone", policy.ErrInvalid, row.Key, row.PolicyID, row.PolicyVersion)
	}
	next := *t // a copy: an error, or UNCHANGED, leaves the target as it was
	if ok && next.s.Policy.IsZero() {
		next.s.Policy = version.Ref() // the dispatcher died before it could note what it had published
	}
	settlement, err := next.settleRow(row, rows, version)
	if err == nil && settlement == Changed && t.s.Dispatch == Unknown && lossBelow(row, rows) {
		_, err = next.HoldRestored()
	}
	if err != nil {
		return Unchanged, err
	}
	if settlement == Changed {
		*t = next
	}
	return settlement, nil
}

func (t *Target) settleRow(row attempt.Row, rows []attempt.Row, version policy.Version) (Settlement, error) {
	switch row.State {
	case attempt.Failed:
		return t.settleFailed(row, version)
	case attempt.NotSent:
		return t.settleNotSent(row, rows, version)
	default:
		return t.settleUnknown(row, version)
	}
}

func (t *Target) settleFailed(row attempt.Row, v policy.Version) (Settlement, error) {
	t.s.LastError = string(row.Reason) + " (" + string(row.Class) + ")"
	if t.s.PendingEnd != "" {
		return Changed, t.End(t.s.PendingEnd)
	}
	if row.Class == attempt.Content {
		if t.s.Dispatch == Paused && t.s.Pause == PauseContent {
			return Unchanged, nil
		}
		if err := t.move(EventContent, Paused); err != nil {
			return Unchanged, err
		}
		t.s.Pause = PauseContent
		return Changed, nil
	}
	steps := v.Steps(t.s.Wished)
	next := policy.Next(steps, row.Step)
	pause := v.BackoffFor(row.Class).Spread(int(row.Key.Attempt), t.s.Key.UserID)
	if row.Reported {
		pause = 0 // the provider has done the waiting
	}
	if row.Class.Hard() {
		next, pause = policy.NextOther(steps, row.Step), 0
	}
	if next < 0 {
		return Changed, t.End(Exhausted)
	}
	return t.advance(next, row.FinishedAt.Add(pause))
}

// advance takes the next attempt; a PAUSED target stays PAUSED while its key advances.
func (t *Target) advance(step int16, at time.Time) (Settlement, error) {
	to := Failed
	if t.s.Dispatch == Paused {
		to = Paused
	}
	if err := t.move(EventNextTry, to); err != nil {
		return Unchanged, err
	}
	t.nextAttempt(step, at)
	return Changed, nil
}

func (t *Target) settleNotSent(row attempt.Row, rows []attempt.Row, v policy.Version) (Settlement, error) {
	switch {
	case t.s.PendingEnd != "":
		return Changed, t.End(t.s.PendingEnd)
	case row.Reason == attempt.ReasonExpired:
		return Changed, t.End(Expired)
	case !t.roundsUp(row, rows, v):
	case t.s.Dispatch == Paused && t.s.Pause == PauseRounds:
		return Unchanged, nil
	default:
		if err := t.move(EventRounds, Paused); err != nil {
			return Unchanged, err
		}
		t.s.Pause = PauseRounds
		return Changed, nil
	}
	at := row.NotBefore
	if at.IsZero() {
		backoff := v.BackoffFor(attempt.Throttled)
		if row.Reported {
			backoff = v.BackoffFor(row.Class)
		}
		at = row.FinishedAt.Add(backoff.Spread(int(t.s.Round), t.s.Key.UserID))
	}
	to := Ready
	if t.s.Dispatch == Paused {
		to = Paused
	}
	if err := t.move(EventPutBack, to); err != nil {
		return Unchanged, err
	}
	t.s.LastError = string(row.Reason)
	t.nextRound(at)
	return Changed, nil
}

// lastRound is the last round of an attempt that a key can name.
const lastRound = math.MaxInt16 - 1

// roundsUp reports whether a put-back pauses the target: every (MaxRounds + 1)-th of the attempt that spends a round does.
// It is a function of the ledger alone, so that the count begins anew after each resume without anybody keeping it.
func (t *Target) roundsUp(row attempt.Row, rows []attempt.Row, v policy.Version) bool {
	if t.s.Round >= lastRound {
		return true
	}
	if !row.SpendsRound() {
		return false
	}
	spent := 0
	for _, r := range rows {
		if r.Key.Attempt == t.s.Attempt && r.SpendsRound() {
			spent++
		}
	}
	return spent%(int(v.MaxRounds())+1) == 0
}

func (t *Target) settleUnknown(row attempt.Row, v policy.Version) (Settlement, error) {
	next := policy.Next(v.Steps(t.s.Wished), row.Step)
	if row.Unknown == attempt.Resend && next >= 0 && t.s.PendingEnd == "" {
		t.s.LastError = string(row.Reason)
		return t.advance(next, row.FinishedAt.Add(v.BackoffFor(attempt.Temporary).Spread(int(row.Key.Attempt), t.s.Key.UserID)))
	}
	if err := t.move(EventDoubt, Unknown); err != nil {
		return Unchanged, err
	}
	t.s.LastError = string(row.Reason)
	return Changed, nil
}
