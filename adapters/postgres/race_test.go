package postgres_test

import (
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// Two real transactions, the first held open before its COMMIT while the second runs: in both orders, for each pair of
// those who write. What must come of it is the protocol's word; "waits" tells that the second one cannot end before.
func TestTwoTransactionsRace(t *testing.T) {
	t.Parallel()
	cancel, expire := endAs(billing.Cancelled), endAs(billing.Expired)
	success, failed, notSent := outcomeAs(attempt.Succeeded), outcomeAs(attempt.Failed), outcomeAs(attempt.NotSent)
	claim, rival, claimLate := claimAs("claim", ours, free), claimAs("rival claim", theirs, free), claimAs("claim", ours, late)
	again := claimAs("the same claim again", ours, claimed)
	const waits, passes = true, false
	races := []struct {
		start         start
		first, second actor
		waits         bool
		saysFirst     string
		saysSecond    string
		ends          string
	}{
		// The key has no row: whoever inserts it owns its fate.
		{free, claim, rival, waits, "mine", "lost", "REQUESTED, CLAIMED"},
		{free, claim, cancel, waits, "mine", "wish kept", "REQUESTED wish CANCELLED, CLAIMED"},
		{free, cancel, claim, waits, "revoked", "lost", "CANCELLED, REVOKED"},
		{free, claim, expire, waits, "mine", "wish kept", "REQUESTED wish EXPIRED, CLAIMED"},
		{free, expire, claim, waits, "revoked", "lost", "EXPIRED, REVOKED"},
		{free, cancel, expire, waits, "revoked", "too late", "CANCELLED, REVOKED"},
		{free, expire, cancel, waits, "revoked", "too late", "EXPIRED, REVOKED"},
		{free, claim, reaper, passes, "mine", "requeued", "READY, CLAIMED"}, // early reaper: the same key, which is owned
		{free, reaper, claim, passes, "requeued", "mine", "READY, CLAIMED"},
		{free, cancel, reaper, waits, "revoked", "nothing to do", "CANCELLED, REVOKED"},
		{free, reaper, cancel, waits, "requeued", "revoked", "CANCELLED, REVOKED"},
		{free, settler, reaper, waits, "UNCHANGED", "requeued", "READY, no row"},
		{free, reaper, settler, waits, "requeued", "UNCHANGED", "READY, no row"},
		{free, claim, settler, passes, "mine", "UNCHANGED", "REQUESTED, CLAIMED"},
		{free, settler, claim, passes, "UNCHANGED", "mine", "REQUESTED, CLAIMED"},
		{free, claim, sweeper, passes, "mine", "expired 0", "REQUESTED, CLAIMED"},
		{free, cancel, sweeper, passes, "revoked", "expired 0", "CANCELLED, REVOKED"},
		{free, reaper, sweeper, passes, "requeued", "expired 0", "READY, no row"},
		// An older try was accepted while the current key is free.
		{late, claimLate, settler, waits, "mine", "UNCHANGED", "REQUESTED, CLAIMED"},
		{late, settler, claimLate, waits, "CHANGED", "lost", "SUCCEEDED, REVOKED"},
		{late, settler, cancel, waits, "CHANGED", "too late", "SUCCEEDED, REVOKED"},
		{late, cancel, settler, waits, "revoked", "CHANGED", "SUCCEEDED wish CANCELLED, REVOKED"}, // which a report may bring back
		{late, settler, reaper, waits, "CHANGED", "nothing to do", "SUCCEEDED, REVOKED"},
		{late, reaper, settler, waits, "requeued", "CHANGED", "SUCCEEDED, REVOKED"},
		{late, settler, settler, waits, "CHANGED", "UNCHANGED", "SUCCEEDED, REVOKED"},
		// The key is claimed: success always wins, everything else asks for the token and for CLAIMED.
		{claimed, success, failed, waits, "written", "refused", "REQUESTED, SUCCEEDED"},
		{claimed, failed, success, waits, "written", "written", "REQUESTED, SUCCEEDED"},
		{claimed, success, notSent, waits, "written", "refused", "REQUESTED, SUCCEEDED"},
		{claimed, notSent, success, waits, "written", "written", "REQUESTED, SUCCEEDED"},
		{claimed, success, success, waits, "written", "written", "REQUESTED, SUCCEEDED"},
		{claimed, failed, notSent, waits, "written", "refused", "REQUESTED, FAILED"},
		{claimed, notSent, failed, waits, "written", "refused", "REQUESTED, NOT_SENT"},
		{claimed, again, success, waits, "mine", "written", "REQUESTED, SUCCEEDED"},
		{claimed, success, again, waits, "written", "lost", "REQUESTED, SUCCEEDED"},
		{claimed, again, failed, waits, "mine", "written", "REQUESTED, FAILED"},
		{claimed, failed, again, waits, "written", "lost", "REQUESTED, FAILED"},
		{claimed, again, notSent, waits, "mine", "written", "REQUESTED, NOT_SENT"},
		{claimed, notSent, again, waits, "written", "lost", "REQUESTED, NOT_SENT"},
		{claimed, rival, success, waits, "lost", "written", "REQUESTED, SUCCEEDED"},
		{claimed, success, rival, waits, "written", "lost", "REQUESTED, SUCCEEDED"},
		// A revocation finds the row there, waits for who is writing it, and keeps the wish.
		{claimed, success, cancel, waits, "written", "wish kept", "REQUESTED wish CANCELLED, SUCCEEDED"},
		{claimed, cancel, success, passes, "wish kept", "written", "REQUESTED wish CANCELLED, SUCCEEDED"},
		{claimed, failed, cancel, waits, "written", "wish kept", "REQUESTED wish CANCELLED, FAILED"},
		{claimed, cancel, failed, passes, "wish kept", "written", "REQUESTED wish CANCELLED, FAILED"},
		{claimed, notSent, cancel, waits, "written", "wish kept", "REQUESTED wish CANCELLED, NOT_SENT"},
		{claimed, cancel, notSent, passes, "wish kept", "written", "REQUESTED wish CANCELLED, NOT_SENT"},
		// A look sees what is committed; the next look sees the rest.
		{claimed, success, settler, passes, "written", "UNCHANGED", "REQUESTED, SUCCEEDED"},
		{claimed, settler, success, passes, "UNCHANGED", "written", "REQUESTED, SUCCEEDED"},
		{claimed, failed, settler, passes, "written", "UNCHANGED", "REQUESTED, FAILED"},
		{claimed, settler, failed, passes, "UNCHANGED", "written", "REQUESTED, FAILED"},
		{claimed, notSent, settler, passes, "written", "UNCHANGED", "REQUESTED, NOT_SENT"},
		{claimed, settler, notSent, passes, "UNCHANGED", "written", "REQUESTED, NOT_SENT"},
		{claimed, success, reaper, passes, "written", "nothing to do", "REQUESTED, SUCCEEDED"},
		{claimed, reaper, success, passes, "nothing to do", "written", "REQUESTED, SUCCEEDED"},
		{claimed, failed, reaper, passes, "written", "nothing to do", "REQUESTED, FAILED"},
		{claimed, reaper, failed, passes, "nothing to do", "written", "REQUESTED, FAILED"},
		{claimed, notSent, reaper, passes, "written", "nothing to do", "REQUESTED, NOT_SENT"},
		{claimed, reaper, notSent, passes, "nothing to do", "written", "REQUESTED, NOT_SENT"},
		{claimed, success, sweeper, passes, "written", "expired 0", "REQUESTED, SUCCEEDED"}, // the lease is alive
		// What was accepted is settled in one statement, which looks at the target again where somebody held it.
		{accepted, succeeder, succeeder, waits, "succeeded 1", "succeeded 0", "SUCCEEDED, SUCCEEDED"},
		{accepted, succeeder, settler, waits, "succeeded 1", "UNCHANGED", "SUCCEEDED, SUCCEEDED"},
		{accepted, settler, succeeder, waits, "CHANGED", "succeeded 0", "SUCCEEDED, SUCCEEDED"},
		{accepted, succeeder, cancel, waits, "succeeded 1", "too late", "SUCCEEDED, SUCCEEDED"},
		{accepted, cancel, succeeder, waits, "wish kept", "succeeded 0", "REQUESTED wish CANCELLED, SUCCEEDED"}, // settle grants it
		{accepted, succeeder, reaper, waits, "succeeded 1", "nothing to do", "SUCCEEDED, SUCCEEDED"},
		{accepted, reaper, succeeder, waits, "nothing to do", "succeeded 1", "SUCCEEDED, SUCCEEDED"},
		{accepted, succeeder, failed, passes, "succeeded 1", "refused", "SUCCEEDED, SUCCEEDED"},
		{claimed, success, succeeder, passes, "written", "succeeded 0", "REQUESTED, SUCCEEDED"}, // not committed: the next look
		{claimed, succeeder, success, passes, "succeeded 0", "written", "REQUESTED, SUCCEEDED"},
		{claimed, succeeder, failed, passes, "succeeded 0", "written", "REQUESTED, FAILED"},
		{overdue, succeeder, sweeper, passes, "succeeded 0", "expired 1", "REQUESTED, UNKNOWN"},
		{late, succeeder, settler, passes, "succeeded 0", "CHANGED", "SUCCEEDED, REVOKED"}, // the current key is another
		{late, succeeder, claimLate, passes, "succeeded 0", "mine", "REQUESTED, CLAIMED"},
		// The lease is over: the sweeper and the caller's own outcome meet.
		{overdue, sweeper, success, waits, "expired 1", "written", "REQUESTED, SUCCEEDED"},
		{overdue, success, sweeper, waits, "written", "expired 0", "REQUESTED, SUCCEEDED"},
		{overdue, sweeper, failed, waits, "expired 1", "written", "REQUESTED, FAILED"},
		{overdue, failed, sweeper, waits, "written", "expired 0", "REQUESTED, FAILED"},
		{overdue, sweeper, notSent, waits, "expired 1", "refused", "REQUESTED, UNKNOWN"},
		{overdue, notSent, sweeper, waits, "written", "expired 0", "REQUESTED, NOT_SENT"},
		{overdue, sweeper, again, waits, "expired 1", "lost", "REQUESTED, UNKNOWN"},
		{overdue, again, sweeper, waits, "lost", "expired 1", "REQUESTED, UNKNOWN"},
		{overdue, sweeper, sweeper, waits, "expired 1", "expired 0", "REQUESTED, UNKNOWN"},
		{overdue, sweeper, cancel, waits, "expired 1", "wish kept", "REQUESTED wish CANCELLED, UNKNOWN"},
		{overdue, cancel, sweeper, passes, "wish kept", "expired 1", "REQUESTED wish CANCELLED, UNKNOWN"},
		{overdue, sweeper, settler, passes, "expired 1", "UNCHANGED", "REQUESTED, UNKNOWN"},
		{overdue, settler, sweeper, passes, "UNCHANGED", "expired 1", "REQUESTED, UNKNOWN"},
		{overdue, sweeper, reaper, passes, "expired 1", "nothing to do", "REQUESTED, UNKNOWN"},
		{overdue, reaper, sweeper, passes, "nothing to do", "expired 1", "REQUESTED, UNKNOWN"},
	}
	for _, r := range races {
		t.Run(string(r.start)+": "+r.first.name+", then "+r.second.name, func(t *testing.T) {
			t.Parallel()
			first, second, waited, end := race(t, r.start, r.first, r.second)
			if first != r.saysFirst || second != r.saysSecond {
				t.Errorf("%s: %q, %s: %q; want %q and %q", r.first.name, first, r.second.name, second, r.saysFirst, r.saysSecond)
			}
			if waited != r.waits {
				t.Errorf("%s waited: %t, want %t", r.second.name, waited, r.waits)
			}
			if end != r.ends {
				t.Errorf("the end is %q, want %q", end, r.ends)
			}
		})
	}
}
