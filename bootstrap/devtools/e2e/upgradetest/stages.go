package upgradetest

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// stage is a part of the upgrade: which versions run, and until how many bills have come to an end.
type stage struct {
	what        string
	migrate     bool     // the new version migrates meanwhile
	dispatchers []string // versions, in turn
	deliveries  [2]string
	settlement  string
	until       int
}

func (t *test) stages() []stage {
	part := func(of int) int { return t.Customers * of / 5 }
	older, newer := t.Old, t.New
	return []stage{
		{what: "old alone", dispatchers: []string{older}, deliveries: [2]string{older, older}, settlement: older, until: part(1)},
		{what: "old services, new schema and dispatcher", migrate: true, dispatchers: []string{newer}, deliveries: [2]string{older, older}, settlement: older, until: part(2)},
		{what: "one delivery of each, both dispatchers", dispatchers: []string{older, newer}, deliveries: [2]string{older, newer}, settlement: older, until: part(3)},
		{what: "new services, old dispatcher", dispatchers: []string{older}, deliveries: [2]string{newer, newer}, settlement: newer, until: part(4)},
		{what: "new alone", dispatchers: []string{newer}, deliveries: [2]string{newer, newer}, settlement: newer, until: t.Customers},
	}
}

// stage replaces one service after the other, and dispatches until the stage's part of the month is through. Requests and results that the stage before
// left in the log are read by this one.
func (t *test) stage(ctx context.Context, s stage) error {
	began := time.Now()
	before, err := t.ended(ctx)
	if err != nil {
		return err
	}
	for _, p := range [][2]string{{"delivery-1", s.deliveries[0]}, {"delivery-2", s.deliveries[1]}, {"settlement", s.settlement}} {
		if err := t.place(ctx, p[0], p[1]); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	migrated := make(chan error, 1)
	go func() {
		if s.migrate {
			migrated <- t.run(ctx, t.New, "batch", "migrate")
		}
		close(migrated)
	}()
	through, runs, err := t.dispatch(ctx, s)
	if err != nil {
		cancel()
	} else {
		t.say("through", "%s: %d bills in %.0f s, %d runs", s.what, through-before, time.Since(began).Seconds(), runs)
	}
	return errors.Join(err, <-migrated)
}

// dispatch runs the stage's dispatchers in turn until its part of the month is through.
func (t *test) dispatch(ctx context.Context, s stage) (through, runs int, err error) {
	for began := time.Now(); ; {
		if err := t.run(ctx, s.dispatchers[runs%len(s.dispatchers)], "dispatcher", "--month", month, "--reason", s.what); err != nil {
			return through, runs, err
		}
		runs++
		if through, err = t.ended(ctx); err != nil || through >= s.until {
			return through, runs, err
		}
		if err := t.alive(); err != nil {
			return through, runs, err
		}
		if time.Since(began) > t.Limit {
			return through, runs, fmt.Errorf("%d of %d bills have come to an end within %s", through, s.until, t.Limit)
		}
		select {
		case <-ctx.Done():
			return through, runs, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// ended counts the bills that have come to an end.
func (t *test) ended(ctx context.Context) (n int, err error) {
	err = t.db.QueryRowContext(ctx, `SELECT count(*) FROM billing_targets WHERE dispatch_status NOT IN ('READY', 'REQUESTED', 'FAILED')`).Scan(&n)
	return n, err
}
