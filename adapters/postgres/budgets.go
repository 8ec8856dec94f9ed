package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Budgets stores the budgets of calls: a row for each provider, which every delivery process updates.
type Budgets struct{ db pool }

var _ port.Budgets = Budgets{}

// NewBudgets returns the budgets of a database.
func NewBudgets(db *sqlx.DB) Budgets { return Budgets{newPool(db)} }

// presentShareSQL is which share of its limit a provider may have now. A clock that was set back lets nothing shrink.
var presentShareSQL = fmt.Sprintf("least(1, b.share + %g * greatest(0, extract(epoch FROM clock_timestamp() - b.slowed_at)::float8))", port.BudgetRegained)

// shortlySQL lets the server end a transaction of this statement whose client does not commit it within two seconds: a process that the
// operating system has stopped holds the row's lock, and without it nobody makes a call.
const shortlySQL = "set_config('idle_in_transaction_session_timeout', '2000', true)"

// reserveCallsSQL reserves $3 calls of provider $1, whose limit is $2, of which the share $4 is used, none before $5 seconds have passed. The statement's clock is read once the row is locked: who
// waited for the row gets nothing that has passed. What it returns is relative to the database's clock at that moment.
var reserveCallsSQL = fmt.Sprintf(`/* reserve_calls */ INSERT INTO provider_budgets AS b (provider, calls_limit, next_call)
VALUES ($1::text, $2::float8, clock_timestamp() + make_interval(secs => $5::float8 + $3::int / ($2::float8 * $4::float8)))
ON CONFLICT (provider) DO UPDATE SET calls_limit = excluded.calls_limit, next_call =
  greatest(clock_timestamp() + make_interval(secs => $5::float8), least(b.next_call, clock_timestamp() + make_interval(secs => greatest(%[2]g, %[3]d / ($2::float8 * %[1]s)))))
  + make_interval(secs => $3::int / ($2::float8 * %[1]s * $4::float8))
RETURNING extract(epoch FROM b.next_call - clock_timestamp())::float8, %[1]s::float8, %[4]s`,
	presentShareSQL, port.BudgetAhead.Seconds(), port.BudgetAheadCalls, shortlySQL)

// Reserve implements port.Budgets. The instants are counted from the moment at which the row has come: later than the one at which
// the database read its clock, never earlier.
func (p Budgets) Reserve(ctx context.Context, provider string, limit float64, calls int, after time.Duration) (port.Reservation, error) {
	const what = "reserve calls"
	if provider == "" || !(limit > 0) || calls < 1 {
		return port.Reservation{}, fmt.Errorf("%s: %w: %d calls of %q at %v a second", what, port.ErrInvalid, calls, provider, limit)
	}
	used := port.BudgetUsed(limit)
	var ahead, share float64
	var came time.Time
	var shortly string
	err := write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		err := s.one(ctx, what, reserveCallsSQL, []any{clean(provider), limit, calls, used, max(0, after).Seconds()}, &ahead, &share, &shortly)
		came = time.Now()
		return err
	})
	if err != nil {
		return port.Reservation{}, err
	}
	apart := time.Duration(float64(time.Second) / (limit * share * used))
	first := time.Duration(ahead*float64(time.Second)) - time.Duration(calls)*apart
	return port.Reservation{First: came.Add(max(0, first)), Apart: apart, Calls: calls}, nil
}

// slowCallsSQL lowers a rate; who waited for another that lowered it finds that it was lowered just now.
var slowCallsSQL = fmt.Sprintf(`/* slow_calls */ UPDATE provider_budgets b SET share = greatest(%g, %g * %s), slowed_at = clock_timestamp()
WHERE b.provider = $1 AND (b.slowed_at BETWEEN clock_timestamp() - make_interval(secs => %g) AND clock_timestamp()) IS NOT TRUE
RETURNING b.calls_limit * b.share, %s`, port.BudgetLeast, port.BudgetSlowed, presentShareSQL, port.BudgetReaction.Seconds(), shortlySQL)

// Slow implements port.Budgets.
func (p Budgets) Slow(ctx context.Context, provider string) (rate float64, slowed bool, err error) {
	const what = "lower a provider's rate"
	var shortly string
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, slowCallsSQL, []any{clean(provider)}, func(scan func(...any) error) error {
			slowed = true
			return scan(&rate, &shortly)
		})
	})
	if err != nil {
		return 0, false, err
	}
	return rate, slowed, nil
}

var budgetsSQL = fmt.Sprintf(`/* budgets */ SELECT b.provider, b.calls_limit, b.calls_limit * %s, b.slowed_at FROM provider_budgets b
WHERE b.next_call > clock_timestamp() - interval '1 day' ORDER BY b.provider`, presentShareSQL)

// All implements port.Budgets.
func (p Budgets) All(ctx context.Context) ([]port.Budget, error) {
	const what = "read the budgets"
	var all []port.Budget
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, budgetsSQL, nil, func(scan func(...any) error) error {
			var b port.Budget
			err := scan(&b.Provider, &b.Limit, &b.Rate, utc(&b.SlowedAt))
			all = append(all, b)
			return err
		})
	})
	return all, err
}
