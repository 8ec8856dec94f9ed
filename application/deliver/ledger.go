package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// ledger collects the single reads and writes of all deliveries into bulk statements, which are repeated while the
// database is down. What follows a claim waits for its statement whatever happens to the partition, until shutdown.
type ledger struct {
	claims       map[channel.Kind]*batch.Batcher[attempt.Claim, answer] // whether the key belongs to the claim's token, for each lane
	closings     *batch.Batcher[attempt.Closing, answer]                // whether the row was inserted
	outcomes     *batch.Batcher[attempt.Outcome, answer]                // whether the row holds the outcome
	rows         *batch.Batcher[key.Delivery, attempt.Row]              // the row; zero where there is none
	suppressions *batch.Batcher[port.Use, answer]                       // whether the contact is suppressed
	looksAgain   *batch.Batcher[port.Use, answer]                       // the same, while a permit is held
}

// answer is the result of a bulk statement for one item.
type answer struct {
	held bool  // the statement returned the item's key
	err  error // wraps port.ErrInvalid: this item alone was refused
}

func newLedger(
	rows port.Ledger, suppressions port.Suppressions, watch *outage.Watch, clock port.Clock, lanes map[channel.Kind]*lane, config Config,
) *ledger {
	database := func(ctx context.Context, do func(context.Context) error) error {
		return watch.Await(ctx, port.ComponentDatabase, do)
	}
	several := batch.Config{Max: config.Bulk.Batch, Workers: bulkWorkers, Linger: config.Bulk.Linger, After: clock.After}
	one := several
	one.Workers = 1
	held := several
	held.Linger = min(held.Linger, ratedLinger)
	l := &ledger{
		claims:       map[channel.Kind]*batch.Batcher[attempt.Claim, answer]{},
		closings:     bulkByKey(several, database, rows.Close, func(c attempt.Closing) key.Delivery { return c.Key }),
		outcomes:     bulkByKey(several, database, rows.Record, func(o attempt.Outcome) key.Delivery { return o.Key }),
		rows:         batch.New(one, findRows(database, rows)),
		suppressions: bulkByKey(several, database, suppressions.Suppressed, func(u port.Use) port.Use { return u }),
		looksAgain:   bulkByKey(held, database, suppressions.Suppressed, func(u port.Use) port.Use { return u }),
	}
	for kind, lane := range lanes {
		ofLane := several
		ofLane.Linger = claimLinger(config, lane.providers)
		l.claims[kind] = bulkByKey(ofLane, database, rows.Claim, func(c attempt.Claim) key.Delivery { return c.Key })
	}
	return l
}

// claimLinger is how long a lane's claims wait for more. Each holds one of the lane's permits meanwhile, so where
// permits are fewer than the messages in flight the wait is shorter by as much: it would take calls away from the gateway. Where the
// provider has a rate, a call that begins long after its permit would be too late for its instant.
func claimLinger(c Config, providers []*provider) time.Duration {
	limit, inFlight, rated := c.Limits.InFlight, 0, false
	for _, p := range providers {
		inFlight += p.InFlight
		rated = rated || p.Rate > 0
	}
	linger := c.Bulk.Linger * time.Duration(min(inFlight, limit)) / time.Duration(limit)
	if rated {
		linger = min(linger, ratedLinger)
	}
	return linger
}

// ratedLinger is how long claims of calls with a rate, and looks at the suppression list while a permit is held, wait for more at most.
const ratedLinger = 10 * time.Millisecond

// claim reports whether the key belongs to the claim's token.
func (l *ledger) claim(c attempt.Claim) (bool, error) {
	return ask(context.Background(), l.claims[c.Facts.Channel], c)
}

// close reports whether the row was inserted.
func (l *ledger) close(ctx context.Context, c attempt.Closing) (bool, error) {
	return ask(ctx, l.closings, c)
}

// record reports whether the row holds the outcome now.
func (l *ledger) record(o attempt.Outcome) (bool, error) {
	return ask(context.Background(), l.outcomes, o)
}

// find returns a key's row; the zero row where there is none.
func (l *ledger) find(k key.Delivery) (attempt.Row, error) {
	return l.rows.Do(context.Background(), k)
}

// shutdown gives up what waits still.
func (l *ledger) shutdown() {
	for _, claims := range l.claims {
		claims.Close()
	}
	l.closings.Close()
	l.outcomes.Close()
	l.rows.Close()
	l.suppressions.Close()
	l.looksAgain.Close()
}

// ask submits an item and waits for its answer: whether the statement returned the item's key.
func ask[In any](ctx context.Context, b *batch.Batcher[In, answer], item In) (bool, error) {
	a, err := b.Do(ctx, item)
	if err != nil {
		return false, err
	}
	return a.held, a.err
}

// retry repeats a statement while the database is down.
type retry func(ctx context.Context, do func(context.Context) error) error

// findRows returns the bulk read of ledger rows, in the order of the keys.
func findRows(database retry, ledger port.Ledger) func(context.Context, []key.Delivery) ([]attempt.Row, error) {
	return func(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
		var found []attempt.Row
		err := database(ctx, func(ctx context.Context) (err error) {
			found, err = ledger.Find(ctx, keys)
			return err
		})
		byKey := make(map[key.Delivery]attempt.Row, len(found))
		for _, row := range found {
			byKey[row.Key] = row
		}
		rows := make([]attempt.Row, len(keys))
		for i, k := range keys {
			rows[i] = byKey[k]
		}
		return rows, err
	}
}

// bulkByKey returns a batcher for a bulk statement that returns the keys it holds for. A statement names each key once: an
// item that shares its key with another of the same batch (two copies of one message) goes into the next statement. If
// a statement is refused as invalid, its items are tried one by one, so that a bad one harms no other.
func bulkByKey[In any, Key comparable](
	config batch.Config,
	database retry,
	do func(ctx context.Context, in []In) ([]Key, error),
	keyOf func(In) Key,
) *batch.Batcher[In, answer] {
	execute := func(ctx context.Context, in []In) (map[Key]bool, error) {
		var held []Key
		err := database(ctx, func(ctx context.Context) (err error) {
			held, err = do(ctx, in)
			return err
		})
		holds := make(map[Key]bool, len(held))
		for _, k := range held {
			holds[k] = true
		}
		return holds, err
	}
	return batch.New(config, func(ctx context.Context, items []In) ([]answer, error) {
		answers := make([]answer, len(items))
		for rest := indexes(len(items)); len(rest) > 0; {
			now, later := firsts(rest, func(i int) Key { return keyOf(items[i]) })
			in := make([]In, len(now))
			for j, i := range now {
				in[j] = items[i]
			}
			holds, err := execute(ctx, in)
			switch {
			case err == nil:
				for _, i := range now {
					answers[i].held = holds[keyOf(items[i])]
				}
			case errors.Is(err, port.ErrInvalid):
				for _, i := range now {
					holds, err := execute(ctx, items[i:i+1])
					answers[i] = answer{held: holds[keyOf(items[i])], err: err}
				}
			default:
				return nil, err
			}
			rest = later
		}
		return answers, nil
	})
}

// bulkWorkers is how many bulk statements of one kind run at once: while one waits for its commit, the next one fills.
const bulkWorkers = 2

// indexes returns 0 to n-1.
func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// firsts splits items into the first one of each key and the others; both keep their order.
func firsts[Key comparable](items []int, keyOf func(int) Key) (first, others []int) {
	seen := make(map[Key]bool, len(items))
	for _, i := range items {
		if k := keyOf(i); seen[k] {
			others = append(others, i)
		} else {
			seen[k] = true
			first = append(first, i)
		}
	}
	return first, others
}
