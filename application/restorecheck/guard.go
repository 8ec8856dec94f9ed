package restorecheck

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// lock keeps a second check away. A check that changes nothing continues beside another.
func (r *run) lock(ctx context.Context) (release func(), err error) {
	err = r.database(ctx, func(ctx context.Context) (err error) {
		release, err = r.Guard.TryLock(ctx)
		return err
	})
	switch {
	case err != nil || release != nil:
		return release, err
	case r.Apply:
		r.report.Running = []string{"another restore check is under way"}
		return nil, fmt.Errorf("%w: %s: wait until it has ended", ErrRunning, r.report.Running[0])
	default:
		return func() {}, nil
	}
}

// stopped returns ErrRunning while anybody is seen at work. Each program of Balsong counts, an operator's too: it may write.
func (r *run) stopped(ctx context.Context) error {
	var sessions, running []string
	err := r.database(ctx, func(ctx context.Context) (err error) {
		sessions, err = r.Guard.Sessions(ctx)
		return err
	})
	if err != nil {
		return err
	}
	for _, name := range sessions {
		if strings.HasPrefix(name, "balsong") && name != Program {
			running = append(running, name+" is connected to the database")
		}
	}
	for name, group := range r.Groups {
		members, err := group.Members(ctx)
		if err != nil {
			return fmt.Errorf("ask for the members of the consumer group %s: %w", name, err)
		}
		if members > 0 {
			running = append(running, fmt.Sprintf("the consumer group %s has %d members", name, members))
		}
	}
	slices.Sort(running)
	if r.report.Running = running; len(running) > 0 {
		return fmt.Errorf("%w: %s: stop them, wait until they are gone, and run it again", ErrRunning, strings.Join(running, ", "))
	}
	return nil
}
