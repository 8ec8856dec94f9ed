package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// untilClosed is the context of what follows a claim: it is waited for whatever happens to the partition, until the bulk
// statements are closed.
var untilClosed = context.Background()

// bulk collects the single reads and writes of all flights into bulk statements, which are repeated while the database is
// down.
type bulk struct {
	claims   map[channel.Kind]claims                   // whether the key belongs to the claim's token, for each lane
	closings *batch.Batcher[attempt.Closing, answer]   // whether the row was inserted
	outcomes *batch.Batcher[attempt.Outcome, answer]   // whether the row holds the outcome
	finds    *batch.Batcher[key.Delivery, attempt.Row] // the row; zero where there is none
	contacts *batch.Batcher[port.Contact, answer]      // whether the contact is suppressed
}

// claims are those of one lane.
type claims = *batch.Batcher[attempt.Claim, answer]

func newBulk(s *Service) *bulk {
	database := func(ctx context.Context, do func(context.Context) error) error {
		return s.await(ctx, "database", do)
	}
	several := batch.Config{Max: s.config.Batch, Workers: bulkWorkers, Linger: s.config.Linger, After: s.Clock.After}
	one := several
	one.Workers = 1
	ofLanes := map[channel.Kind]claims{}
	for kind, lane := range s.Lanes {
		config := several
		config.Linger = claimLinger(s.config, lane.Gateway.Provider().InFlight)
		ofLanes[kind] = keyed(config, database, s.Ledger.Claim, func(c attempt.Claim) key.Delivery { return c.Key })
	}
	return &bulk{
		claims:   ofLanes,
		closings: keyed(several, database, s.Ledger.Close, func(c attempt.Closing) key.Delivery { return c.Key }),
		outcomes: keyed(several, database, s.Ledger.Record, func(o attempt.Outcome) key.Delivery { return o.Key }),
		finds: batch.New(one, func(ctx context.Context, keys []key.Delivery) (rows []attempt.Row, err error) {
			err = database(ctx, func(ctx context.Context) error {
				found, err := s.Ledger.Find(ctx, keys)
				byKey := make(map[key.Delivery]attempt.Row, len(found))
				for _, row := range found {
					byKey[row.Key] = row
				}
				rows = make([]attempt.Row, len(keys))
				for i, k := range keys {
					rows[i] = byKey[k]
				}
				return err
			})
			return rows, err
		}),
		contacts: keyed(several, database, s.Suppressions.Suppressed, func(c port.Contact) port.Contact { return c }),
	}
}

// claimLinger is how long a lane's claims wait for more. Each holds one of the lane's permits meanwhile, so where permits are
// fewer than the messages in hand the wait is shorter by as much: it would take calls away from the gateway.
func claimLinger(c Config, permits int) time.Duration {
	return c.Linger * time.Duration(min(permits, c.InFlight)) / time.Duration(c.InFlight)
}

// answer is the result of a bulk statement for one item.
type answer struct {
	held bool  // the statement returned the item's key
	err  error // wraps port.ErrInvalid: this item alone was refused
}

// keyed returns a batcher for a bulk statement that returns the keys it holds for. A statement names each key once: an
// item that shares its key with another of the same batch (two copies of one message) goes into the next statement. If
// a statement is refused as invalid, its items are tried one by one, so that a bad one harms no other.
func keyed[In any, Key comparable](
	config batch.Config,
	retry func(ctx context.Context, do func(context.Context) error) error,
	do func(ctx context.Context, in []In) ([]Key, error),
	keyOf func(In) Key,
) *batch.Batcher[In, answer] {
	ask := func(ctx context.Context, in []In) (map[Key]bool, error) {
		var held []Key
		err := retry(ctx, func(ctx context.Context) (err error) {
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
			holds, err := ask(ctx, in)
			switch {
			case err == nil:
				for _, i := range now {
					answers[i].held = holds[keyOf(items[i])]
				}
			case errors.Is(err, port.ErrInvalid):
				for _, i := range now {
					holds, err := ask(ctx, items[i:i+1])
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

func (b *bulk) close() {
	for _, lane := range b.claims {
		lane.Close()
	}
	b.closings.Close()
	b.outcomes.Close()
	b.finds.Close()
	b.contacts.Close()
}

// ask submits an item and waits for its answer: whether the statement returned the item's key.
func ask[In any](ctx context.Context, b *batch.Batcher[In, answer], item In) (bool, error) {
	a, err := b.Do(ctx, item)
	if err != nil {
		return false, err
	}
	return a.held, a.err
}
