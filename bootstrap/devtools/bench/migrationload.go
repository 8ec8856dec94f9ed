package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// loadPause is between two pages of the load, so that it leaves a processor to the migration and does not come to the month's end.
const loadPause = 50 * time.Millisecond

// The names of the load's steps.
var pageSteps = []string{"page", "claim", "outcome", "settle"}

const importStep = "import"

// load takes pages of a month through their steps and imports bills beside it, until it is stopped. Each has a connection of its own with the services' settings.
type load struct {
	cancel context.CancelFunc
	group  *errgroup.Group

	mu    sync.Mutex
	taken []taken
}

// taken is a step that was taken, or is being taken.
type taken struct {
	name         string
	began, ended time.Time // ended is zero while it is being taken
}

// startLoad starts the load; stop it.
func startLoad(ctx context.Context, url string, m *growing) (*load, error) {
	dispatch, err := postgres.Open(postgres.Config{URL: url, Application: "bench load", MaxConns: 1})
	if err != nil {
		return nil, err
	}
	imports, err := postgres.Open(postgres.Config{URL: url, Application: "bench import", MaxConns: 2})
	if err != nil {
		return nil, errors.Join(err, dispatch.Close())
	}
	m.targets, m.ledger = postgres.NewTargets(dispatch), postgres.NewLedger(dispatch)
	ctx, cancel := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	l := &load{cancel: cancel, group: group}
	steps := m.steps(func(ctx context.Context) ([]key.Delivery, error) {
		keys, err := m.dispatchPage(ctx)
		if notYet(err) {
			keys, err = m.plainPage(ctx, dispatch)
		}
		return keys, err
	})
	importing := importSteps(postgres.NewImports(imports), m.month)
	group.Go(func() error { return errors.Join(l.repeat(ctx, steps), dispatch.Close()) })
	group.Go(func() error { return errors.Join(l.repeat(ctx, importing), imports.Close()) })
	return l, nil
}

// notYet reports whether a statement names what the schema does not have yet.
func notYet(err error) bool { return errors.Is(err, port.ErrUnavailable) }

// plainPage marks a page REQUESTED by the statement that stands for dispatch's while the schema lacks columns of those.
func (m *growing) plainPage(ctx context.Context, db *sqlx.DB) (keys []key.Delivery, err error) {
	var users []int64
	err = db.SelectContext(ctx, &users, `UPDATE billing_targets t SET dispatch_status = 'REQUESTED', requested_at = now(), run_id = 1
	FROM (SELECT c.billing_month, c.user_id FROM billing_targets c
	  WHERE c.billing_month = $1::date AND c.batch_status = 'RENDERED' AND c.dispatch_status IN ('READY', 'FAILED') AND c.available_at <= now()
	  ORDER BY c.available_at, c.user_id LIMIT $2::int FOR NO KEY UPDATE SKIP LOCKED) AS v
	WHERE t.billing_month = v.billing_month AND t.user_id = v.user_id RETURNING t.user_id`, day(m.month), growthPage)
	for _, user := range users {
		keys = append(keys, key.Delivery{Month: m.month, UserID: user})
	}
	return keys, err
}

// importSteps import a chunk of bills of new customers.
func importSteps(imports port.Imports, month key.Month) []step {
	at, chunk := time.Now().Add(24*time.Hour), 0
	seal := func(plain []byte, _ port.Purpose) ([]byte, error) { return plain, nil }
	return []step{{importStep, func(ctx context.Context) error {
		bills := make([]port.ImportedBill, 200)
		for i := range bills {
			customer := fmt.Sprintf("LOAD-%d-%d", chunk, i)
			bills[i] = port.ImportedBill{
				Customer: customer, State: billing.State{Batch: billing.Imported, Dispatch: billing.Ready, AvailableAt: at, Reachable: channel.NewSet(channel.SMS)},
				Data: make([]byte, 600), Destinations: map[channel.Kind]string{channel.SMS: "+821055500000"}, Fingerprint: sha256.Sum256([]byte(customer)), File: "load.csv", Line: i + 1,
			}
		}
		chunk++
		_, err := imports.Store(ctx, month, bills, seal)
		return err
	}}}
}

// repeat takes the steps over and over. A page that lost against others, or meets what the schema does not have yet, is left where it is.
func (l *load) repeat(ctx context.Context, steps []step) error {
	for {
		for _, step := range steps {
			err := l.take(ctx, step)
			if errors.Is(err, port.ErrConflict) || notYet(err) || ctx.Err() != nil {
				break
			}
			if err != nil {
				return fmt.Errorf("the load's %s: %w", step.name, err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(loadPause):
		}
	}
}

// take takes a step, and notes when. One that met what the schema does not have yet was none.
func (l *load) take(ctx context.Context, step step) error {
	l.mu.Lock()
	i := len(l.taken)
	l.taken = append(l.taken, taken{name: step.name, began: time.Now()})
	l.mu.Unlock()
	err := step.do(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken[i].ended = time.Now()
	if notYet(err) {
		l.taken[i].name = ""
	}
	return err
}

// longest returns the step that took longest of those of some names that were taken at some time from one moment to another.
func (l *load) longest(from, to time.Time, names ...string) (longest LoadStep) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.taken {
		ended := t.ended
		if ended.IsZero() {
			ended = time.Now()
		}
		if seconds := ended.Sub(t.began).Seconds(); slices.Contains(names, t.name) && t.began.Before(to) && ended.After(from) && seconds > longest.Seconds {
			longest = LoadStep{t.name, seconds}
		}
	}
	return longest
}

// stop ends the load. It is an error where a step has failed, or was never taken.
func (l *load) stop() error {
	l.cancel()
	err := l.group.Wait()
	for _, name := range append(slices.Clone(pageSteps), importStep) {
		if !slices.ContainsFunc(l.taken, func(t taken) bool { return t.name == name }) {
			err = errors.Join(err, fmt.Errorf("the load never came to %s", name))
		}
	}
	return err
}
