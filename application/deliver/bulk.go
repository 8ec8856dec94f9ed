package deliver

import (
	"context"
	"errors"

	"github.com/balsong/balsong/application/batch"
	"github.com/balsong/balsong/application/port"
)

// bulkByKey returns a batcher for a bulk statement that returns the keys it holds for. A statement names each key once: an
// item that shares its key with another of the same batch (two copies of one message) goes into the next statement. If
// a statement is refused as invalid, its items are tried one by one, so that a bad one harms no other.
func bulkByKey[In any, Key comparable](
	config batch.Config,
	database retry,
	do func(ctx context.Context, in []In) ([]Key, error),
	keyOf func(In) Key,
) *batch.Batcher[In, answer] {
	ask := func(ctx context.Context, in []In) (map[Key]bool, error) {
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
