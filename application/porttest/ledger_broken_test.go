package porttest_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// brokenLedger replaces those methods of a ledger that are set.
type brokenLedger struct {
	port.Ledger
	claim  func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error)
	close  func(ctx context.Context, l port.Ledger, closings []attempt.Closing) ([]key.Delivery, error)
	record func(ctx context.Context, l port.Ledger, outcomes []attempt.Outcome) ([]key.Delivery, error)
	find   func(rows []attempt.Row) []attempt.Row
}

func (b brokenLedger) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	if b.claim == nil {
		return b.Ledger.Claim(ctx, claims)
	}
	return b.claim(ctx, b.Ledger, claims)
}

func (b brokenLedger) Close(ctx context.Context, closings []attempt.Closing) ([]key.Delivery, error) {
	if b.close == nil {
		return b.Ledger.Close(ctx, closings)
	}
	return b.close(ctx, b.Ledger, closings)
}

func (b brokenLedger) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	if b.record == nil {
		return b.Ledger.Record(ctx, outcomes)
	}
	return b.record(ctx, b.Ledger, outcomes)
}

func (b brokenLedger) Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
	rows, err := b.Ledger.Find(ctx, keys)
	if b.find != nil {
		rows = b.find(rows)
	}
	return rows, err
}

func breaking(l brokenLedger) func(*porttest.Storage, *memory.Store) {
	return func(s *porttest.Storage, _ *memory.Store) {
		l.Ledger = s.Ledger
		s.Ledger = l
	}
}

// alsoMine claims, and gives away what there is a row for, too, where generous says so.
func alsoMine(generous func(row attempt.Row, c attempt.Claim) bool) func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
	return func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
		mine, err := l.Claim(ctx, claims)
		for _, c := range claims {
			rows, _ := l.Find(ctx, []key.Delivery{c.Key})
			if len(rows) == 1 && !slices.Contains(mine, c.Key) && generous(rows[0], c) {
				mine = append(mine, c.Key)
			}
		}
		return mine, err
	}
}

func TestTheLedgerSuiteRejectsBrokenClaims(t *testing.T) {
	t.Parallel()
	rejects(t, "Ledger", []broken{
		{"which ignores tokens", breaking(brokenLedger{claim: alsoMine(func(row attempt.Row, _ attempt.Claim) bool {
			return row.State == attempt.Claimed
		})}), []string{
			"gives nothing to another token, the lease alive or not", "lets one of many claims at once win",
			"decides about each key of a call on its own", "takes large claims in opposite orders at once",
		}},
		{"which ignores the lease's end", breaking(brokenLedger{claim: alsoMine(func(row attempt.Row, c attempt.Claim) bool {
			return row.State == attempt.Claimed && row.Owner == c.Token
		})}), []string{"gives nothing to its token once the lease has ended"}},
		{"which gives its token what is closed", breaking(brokenLedger{claim: alsoMine(func(row attempt.Row, c attempt.Claim) bool {
			return row.State != attempt.Claimed && row.Owner == c.Token
		})}), []string{"gives nothing of a key that is closed"}},
		{"which does not know its own token again", breaking(brokenLedger{claim: func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
			known := map[key.Delivery]bool{}
			for _, c := range claims {
				rows, _ := l.Find(ctx, []key.Delivery{c.Key})
				known[c.Key] = len(rows) > 0
			}
			mine, err := l.Claim(ctx, claims)
			return slices.DeleteFunc(mine, func(k key.Delivery) bool { return known[k] }), err
		}}), []string{"returns a claim again to its token while the lease lives"}},
		{"which gives another lease", breaking(brokenLedger{claim: func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
			claims = slices.Clone(claims)
			for i := range claims {
				claims[i].Lease -= time.Second
			}
			return l.Claim(ctx, claims)
		}}), []string{"claims a key without a row, with a lease by the database's clock"}},
		{"which takes a key named twice for the last one's", breaking(brokenLedger{claim: func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
			last := map[key.Delivery]attempt.Claim{}
			for _, c := range claims {
				last[c.Key] = c
			}
			return l.Claim(ctx, slices.Collect(maps.Values(last)))
		}}), []string{"refuses a key that is named twice in a call"}},
		{"which looks first and then writes", func(s *porttest.Storage, store *memory.Store) {
			breaking(brokenLedger{claim: lookFirst()})(s, store)
		}, []string{"lets one of many claims at once win"}},
		{"which knows the user's key alone", breaking(brokenLedger{claim: func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
			claims = slices.Clone(claims)
			for i := range claims {
				claims[i].Key.Round = 0
			}
			return l.Claim(ctx, claims)
		}}), []string{"keeps rounds, attempts and months apart"}},
		{"which goes on after its context's end", breaking(brokenLedger{claim: func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
			return l.Claim(context.WithoutCancel(ctx), claims)
		}}), []string{"stops when the context ends"}},
	})
}

// lookFirst is a claim that believes its look: whoever saw no row thinks that the key is its own. The first two meet
// between their looks and their writes.
func lookFirst() func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
	var looked atomic.Int32
	var both sync.WaitGroup
	both.Add(2)
	return func(ctx context.Context, l port.Ledger, claims []attempt.Claim) ([]key.Delivery, error) {
		var free []key.Delivery
		for _, c := range claims {
			if rows, _ := l.Find(ctx, []key.Delivery{c.Key}); len(rows) == 0 {
				free = append(free, c.Key)
			}
		}
		if looked.Add(1) <= 2 {
			both.Done()
			both.Wait()
		}
		_, err := l.Claim(ctx, claims)
		return free, err
	}
}

// overriding records outcomes as change leaves them; false drops one.
func overriding(change func(row attempt.Row, o *attempt.Outcome) bool) brokenLedger {
	return brokenLedger{record: func(ctx context.Context, l port.Ledger, outcomes []attempt.Outcome) ([]key.Delivery, error) {
		var changed []attempt.Outcome
		for _, o := range outcomes {
			rows, _ := l.Find(ctx, []key.Delivery{o.Key})
			if len(rows) == 0 || change(rows[0], &o) {
				changed = append(changed, o)
			}
		}
		return l.Record(ctx, changed)
	}}
}

func TestTheLedgerSuiteRejectsBrokenOutcomes(t *testing.T) {
	t.Parallel()
	const table = "records exactly what the rules allow"
	rejects(t, "Ledger", []broken{
		{"which asks for the token of a success", breaking(overriding(func(row attempt.Row, o *attempt.Outcome) bool {
			return o.Manual || o.State != attempt.Succeeded || row.Owner == o.Token
		})), []string{table, "records success though the row was closed without a claim"}},
		{"which asks for no token of a refusal", breaking(overriding(func(row attempt.Row, o *attempt.Outcome) bool {
			o.Token = row.Owner
			return true
		})), []string{table}},
		{"which takes no refusal of what is UNKNOWN", breaking(overriding(func(row attempt.Row, o *attempt.Outcome) bool {
			return o.Manual || row.State != attempt.Unknown || o.State == attempt.Succeeded
		})), []string{table}},
		{"which obeys an operator about any row", breaking(overriding(func(row attempt.Row, o *attempt.Outcome) bool {
			if o.Manual && row.State == attempt.Claimed {
				o.Manual, o.Token = false, row.Owner
			}
			return true
		})), []string{table}},
		{"which forgets who accepted", breaking(overriding(func(_ attempt.Row, o *attempt.Outcome) bool {
			o.ProviderMessageID = ""
			return true
		})), []string{"records every field of an outcome, and keeps what the outcome does not say"}},
		{"which returns only what it changed", breaking(overriding(func(row attempt.Row, o *attempt.Outcome) bool {
			return row.State != o.State
		})), []string{"records safely again"}},
		{"which records nothing once the lease has ended", func(s *porttest.Storage, store *memory.Store) {
			sweeps := s.Sweeps
			breaking(overriding(func(row attempt.Row, _ *attempt.Outcome) bool {
				now, _ := sweeps.Now(context.Background())
				return now.Before(row.LeaseUntil)
			}))(s, store)
		}, []string{"records an outcome though the lease has ended"}},
		{"which inserts a row for an outcome", breaking(brokenLedger{record: func(ctx context.Context, l port.Ledger, outcomes []attempt.Outcome) ([]key.Delivery, error) {
			for _, o := range outcomes {
				_, _ = l.Close(ctx, []attempt.Closing{{Key: o.Key, State: attempt.Failed}})
			}
			return l.Record(ctx, outcomes)
		}}), []string{"records nothing for a key without a row"}},
		{"which claims to have closed what was taken", breaking(brokenLedger{close: func(ctx context.Context, l port.Ledger, closings []attempt.Closing) (all []key.Delivery, err error) {
			_, err = l.Close(ctx, closings)
			for _, c := range closings {
				all = append(all, c.Key)
			}
			return all, err
		}}), []string{"closes a key without a row, once", "leaves a key that has a row as it is when closing"}},
		{"which closes nothing and says it did", breaking(brokenLedger{close: func(_ context.Context, _ port.Ledger, closings []attempt.Closing) (all []key.Delivery, err error) {
			for _, c := range closings {
				all = append(all, c.Key)
			}
			return all, nil
		}}), []string{"lets either a claim or a closing win"}},
		{"which closes a key as anything", breaking(brokenLedger{close: func(ctx context.Context, l port.Ledger, closings []attempt.Closing) ([]key.Delivery, error) {
			closings = slices.Clone(closings)
			for i := range closings {
				closings[i].State = attempt.Failed
			}
			return l.Close(ctx, closings)
		}}), []string{"refuses to close a key as anything but NOT_SENT or FAILED"}},
		{"which finds rows in no order", breaking(brokenLedger{find: func(rows []attempt.Row) []attempt.Row {
			slices.Reverse(rows)
			return rows
		}}), []string{"finds the rows there are, sorted"}},
	})
}
