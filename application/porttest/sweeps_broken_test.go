package porttest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// brokenSweeps replaces those methods that are set.
type brokenSweeps struct {
	port.Sweeps
	expire  func(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error)
	changed func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error)
	now     func() time.Time
	horizon func(context.Context) (time.Time, error)
	doubt   func(claimed int, until time.Time) (int, time.Time)
}

func (b brokenSweeps) ExpireLeases(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
	if b.expire == nil {
		return b.Sweeps.ExpireLeases(ctx, month, limit)
	}
	return b.expire(ctx, month, limit)
}

func (b brokenSweeps) Changed(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error) {
	if b.changed == nil {
		return b.Sweeps.Changed(ctx, month, when, after, limit)
	}
	return b.changed(ctx, month, when, after, limit)
}

func (b brokenSweeps) Now(ctx context.Context) (time.Time, error) {
	if b.now == nil {
		return b.Sweeps.Now(ctx)
	}
	return b.now(), nil
}

func (b brokenSweeps) Horizon(ctx context.Context) (time.Time, error) {
	if b.horizon == nil {
		return b.Sweeps.Horizon(ctx)
	}
	return b.horizon(ctx)
}

func (b brokenSweeps) InDoubt(ctx context.Context, month key.Month) (int, time.Time, error) {
	claimed, until, err := b.Sweeps.InDoubt(ctx, month)
	if b.doubt != nil {
		claimed, until = b.doubt(claimed, until)
	}
	return claimed, until, err
}

func TestTheSweepsSuiteRejectsBrokenSweeps(t *testing.T) {
	t.Parallel()
	type changing = func(s port.Sweeps, ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error)
	changed := func(fn changing) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Sweeps
			s.Sweeps = brokenSweeps{Sweeps: whole, changed: func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error) {
				return fn(whole, ctx, month, when, after, limit)
			}}
		}
	}
	expire := func(fn func(s *porttest.Storage, whole port.Sweeps, ctx context.Context, month key.Month, limit int) ([]key.Delivery, error)) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Sweeps
			s.Sweeps = brokenSweeps{Sweeps: whole, expire: func(ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
				return fn(s, whole, ctx, month, limit)
			}}
		}
	}
	rejects(t, "Sweeps", []broken{
		{"which never expire a lease", expire(func(*porttest.Storage, port.Sweeps, context.Context, key.Month, int) ([]key.Delivery, error) {
			return nil, nil
		}), []string{"turns claims whose lease has ended into UNKNOWN", "expires at most as many as asked for"}},
		{"which expire by a clock that runs ahead", expire(func(s *porttest.Storage, whole port.Sweeps, ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
			s.Elapse(nil, 24*time.Hour)
			return whole.ExpireLeases(ctx, month, limit)
		}), []string{"leaves alone what lives, is closed, or belongs to another month"}},
		{"which take every month for the one", expire(func(_ *porttest.Storage, whole port.Sweeps, ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
			next, _ := whole.ExpireLeases(ctx, month.Next(), limit)
			expired, err := whole.ExpireLeases(ctx, month, limit)
			return append(expired, next...), err
		}), []string{"leaves alone what lives, is closed, or belongs to another month"}},
		{"which know no limit", expire(func(_ *porttest.Storage, whole port.Sweeps, ctx context.Context, month key.Month, _ int) ([]key.Delivery, error) {
			return whole.ExpireLeases(ctx, month, 1000)
		}), []string{"expires at most as many as asked for"}},
		{"which write over an expired claim as a refusal", expire(func(s *porttest.Storage, whole port.Sweeps, ctx context.Context, month key.Month, limit int) ([]key.Delivery, error) {
			expired, err := whole.ExpireLeases(ctx, month, limit)
			for _, k := range expired {
				_, _ = s.Ledger.Record(ctx, []attempt.Outcome{{Key: k, State: attempt.Failed, Manual: true}})
			}
			return expired, err
		}), []string{"turns claims whose lease has ended into UNKNOWN"}},
		{"beside a ledger whose UNKNOWN is final", breaking(overriding(func(row attempt.Row, _ *attempt.Outcome) bool {
			return row.State != attempt.Unknown
		})), []string{"lets the call's own success win over an expired lease"}},
		{"which look at everything always", changed(func(s port.Sweeps, ctx context.Context, month key.Month, _ port.Span, after int64, limit int) ([]key.Target, error) {
			return s.Changed(ctx, month, port.Span{}, after, limit)
		}), []string{"finds what changed since an instant, and nothing older"}},
		{"which leave out the watermark itself", changed(func(s port.Sweeps, ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error) {
			if !when.Since.IsZero() {
				when.Since = when.Since.Add(time.Microsecond)
			}
			return s.Changed(ctx, month, when, after, limit)
		}), []string{"finds what changed since an instant, and nothing older", "finds a late success of an older try"}},
		{"which skip a target at each page boundary", changed(func(s port.Sweeps, ctx context.Context, month key.Month, when port.Span, after int64, limit int) ([]key.Target, error) {
			if after > 0 {
				after++
			}
			return s.Changed(ctx, month, when, after, limit)
		}), []string{"pages through changed targets by user id, losing none"}},
		{"which return what is settled", func(s *porttest.Storage, store *memory.Store) {
			whole := s.Sweeps
			s.Sweeps = brokenSweeps{Sweeps: whole, changed: func(ctx context.Context, month key.Month, when port.Span, after int64, limit int) (all []key.Target, err error) {
				for user := after + 1; user < 20; user++ {
					if k := (key.Target{Month: month, UserID: user}); len(store.Rows(k)) > 0 {
						all = append(all, k)
					}
				}
				return all[:min(limit, len(all))], nil
			}}
		}, []string{"leaves out targets whose success is settled", "finds targets whose ledger rows changed"}},
		{"whose clock stands still", func(s *porttest.Storage, _ *memory.Store) {
			s.Sweeps = brokenSweeps{Sweeps: s.Sweeps, now: func() time.Time { return time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC) }}
		}, []string{"tells the database's clock, which moves on"}},
		{"whose horizon forgets open transactions", func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Sweeps
			s.Sweeps = brokenSweeps{Sweeps: whole, horizon: func(ctx context.Context) (time.Time, error) {
				s.Elapse(nil, time.Millisecond)
				return whole.Now(ctx)
			}}
		}, []string{"has no write that is still to come behind the horizon"}},
		{"whose horizon stands still", func(s *porttest.Storage, _ *memory.Store) {
			s.Sweeps = brokenSweeps{Sweeps: s.Sweeps, horizon: func(context.Context) (time.Time, error) {
				return time.Date(2020, time.November, 1, 0, 0, 0, 0, time.UTC), nil
			}}
		}, []string{"moves the horizon on with the clock"}},
		{"which tell a wrong end of doubt", func(s *porttest.Storage, _ *memory.Store) {
			s.Sweeps = brokenSweeps{Sweeps: s.Sweeps, doubt: func(n int, until time.Time) (int, time.Time) { return n, until.Add(-time.Minute) }}
		}, []string{"counts what is in doubt and until when"}},
		{"which count one too many", func(s *porttest.Storage, _ *memory.Store) {
			s.Sweeps = brokenSweeps{Sweeps: s.Sweeps, doubt: func(n int, until time.Time) (int, time.Time) { return n + 1, until }}
		}, []string{"counts what is in doubt and until when"}},
	})
}

// brokenBacklog answers for another instant, limit or month.
type brokenBacklog struct {
	port.Backlog
	due  func(now time.Time, limit int) (time.Time, int)
	next func(at time.Time) time.Time
	late bool // Unrendered answers for the month after
	all  bool // InFlight knows no limit
}

func (b brokenBacklog) InFlight(ctx context.Context, month key.Month, limit int) (int, error) {
	if b.all {
		limit = 1000
	}
	return b.Backlog.InFlight(ctx, month, limit)
}

func (b brokenBacklog) Unrendered(ctx context.Context, month key.Month) (int, error) {
	if b.late {
		month++
	}
	return b.Backlog.Unrendered(ctx, month)
}

func (b brokenBacklog) Due(ctx context.Context, month key.Month, now time.Time, limit int) (int, error) {
	if b.due != nil {
		now, limit = b.due(now, limit)
	}
	return b.Backlog.Due(ctx, month, now, limit)
}

func (b brokenBacklog) NextDue(ctx context.Context, month key.Month) (time.Time, error) {
	at, err := b.Backlog.NextDue(ctx, month)
	if b.next != nil {
		at = b.next(at)
	}
	return at, err
}

func TestTheBacklogSuiteRejectsBrokenCounts(t *testing.T) {
	t.Parallel()
	backlog := func(b brokenBacklog) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Backlog = s.Backlog
			s.Backlog = b
		}
	}
	rejects(t, "Backlog", []broken{
		{"which knows no limit", backlog(brokenBacklog{due: func(now time.Time, _ int) (time.Time, int) { return now, 1000 }}), []string{"counts what is due, up to a limit"}},
		{"which counts what is not due yet", backlog(brokenBacklog{due: func(now time.Time, limit int) (time.Time, int) { return now.Add(time.Hour), limit }}), []string{"counts what is due, up to a limit"}},
		{"which always has something due", backlog(brokenBacklog{next: func(at time.Time) time.Time {
			if at.IsZero() {
				return time.Unix(0, 0)
			}
			return at
		}}), []string{"tells when the next one comes due"}},
		{"which counts all that is in flight", backlog(brokenBacklog{all: true}), []string{"counts what is in flight, up to a limit"}},
		{"which counts another month", backlog(brokenBacklog{late: true}), []string{"counts what waits to be rendered"}},
		{"which counts only what nobody holds", func(s *porttest.Storage, _ *memory.Store) {
			s.Backlog = lockingBacklog{s.Backlog, s.Targets}
		}, []string{"counts what others hold, without waiting"}},
		{"which counts what is not rendered", func(s *porttest.Storage, _ *memory.Store) {
			s.Backlog = wholeBacklog{s.Backlog, s.Report}
		}, []string{"counts candidates alone"}},
	})
}

// lockingBacklog counts by locking a page.
type lockingBacklog struct {
	port.Backlog
	targets port.Targets
}

func (b lockingBacklog) Due(ctx context.Context, month key.Month, now time.Time, limit int) (n int, err error) {
	err = b.targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		candidates, err := tx.LockPage(ctx, port.Page{Month: month, PassNow: now, Limit: limit})
		n = len(candidates)
		return err
	})
	return n, err
}

// wholeBacklog counts every target of the month.
type wholeBacklog struct {
	port.Backlog
	report port.Report
}

func (b wholeBacklog) Due(ctx context.Context, month key.Month, _ time.Time, _ int) (int, error) {
	f, err := b.report.Funnel(ctx, month)
	return f.Imported, err
}

// brokenRequests looks for other requests than asked for.
type brokenRequests func(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error)

func (b brokenRequests) Unclaimed(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
	return b(ctx, month, before, after, limit)
}

func TestTheRequestsSuiteRejectsBrokenLooks(t *testing.T) {
	t.Parallel()
	rejects(t, "Requests", []broken{
		{"which take any row for the current one", func(s *porttest.Storage, store *memory.Store) {
			whole := s.Requests
			s.Requests = brokenRequests(func(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
				found, err := whole.Unclaimed(ctx, month, before, after, limit)
				return slices.DeleteFunc(found, func(k key.Target) bool { return len(store.Rows(k)) > 0 }), err
			})
		}, []string{"looks at the row of the current key alone"}},
		{"which know no grace", func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Requests
			s.Requests = brokenRequests(func(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
				return whole.Unclaimed(ctx, month, before.Add(24*time.Hour), after, limit)
			})
		}, []string{"finds what was requested before an instant"}},
		{"which begin anew at each page", func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Requests
			s.Requests = brokenRequests(func(ctx context.Context, month key.Month, before time.Time, _ int64, limit int) ([]key.Target, error) {
				return whole.Unclaimed(ctx, month, before, 0, limit)
			})
		}, []string{"pages by user id"}},
		{"which look at every month", func(s *porttest.Storage, _ *memory.Store) {
			whole := s.Requests
			s.Requests = brokenRequests(func(ctx context.Context, month key.Month, before time.Time, after int64, limit int) ([]key.Target, error) {
				found, err := whole.Unclaimed(ctx, month, before, after, limit)
				next, _ := whole.Unclaimed(ctx, month.Next(), before, after, limit)
				return append(found, next...), err
			})
		}, []string{"finds requested targets that nobody claimed"}},
	})
}
