package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Corrections stores the corrected data of bills.
type Corrections struct{ db pool }

var _ port.Corrections = Corrections{}

// NewCorrections returns the corrections of a database.
func NewCorrections(db *sqlx.DB) Corrections { return Corrections{newPool(db)} }

const userSQL = `/* user */ SELECT c.user_id FROM customers c WHERE c.customer = $1`

// Correct implements port.Corrections.
func (p Corrections) Correct(ctx context.Context, bill port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error), decide port.CorrectionDecision, by port.Act) error {
	month := bill.State.Key.Month
	return write(ctx, p.db, "correct a bill", func(ctx context.Context, s *session) error {
		k := key.Target{Month: month}
		if err := s.one(ctx, "correct a bill", userSQL, []any{clean(bill.Customer)}, &k.UserID); err != nil {
			return noBill(err, month)
		}
		tx := &targetTx{s: s, locked: map[key.Target]billing.State{}}
		locked, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		if len(locked) == 0 {
			return noBill(port.ErrNotFound, month)
		}
		target := locked[0]
		current, err := tx.current(ctx, target)
		if err != nil {
			return err
		}
		err = decide(&target, current, func(r attempt.Revocation) (bool, error) {
			revoked, err := tx.Revoke(ctx, []attempt.Revocation{r})
			return len(revoked) == 1, err
		})
		if err != nil {
			return err
		}
		if err := tx.correct(ctx, target, bill, seal); err != nil {
			return err
		}
		return s.audit(ctx, port.CorrectEntry(bill, by))
	})
}

// noBill says of ErrNotFound what was not found.
func noBill(err error, month key.Month) error {
	if errors.Is(err, port.ErrNotFound) {
		return fmt.Errorf("correct a bill: %w: the customer has no bill in %s", port.ErrNotFound, month)
	}
	return err
}

// current reads the ledger row of a locked target's current key, with what reports say; nil if there is none.
func (t *targetTx) current(ctx context.Context, target billing.Target) (*attempt.Row, error) {
	month, user := target.Key().Month, []int64{target.Key().UserID}
	rows, err := t.s.ledgerOf(ctx, month, user)
	if err != nil {
		return nil, err
	}
	reports, err := t.s.reportsOf(ctx, month, user)
	return target.ForCorrection(attempt.RowOf(rows, target.Delivery()), reports), err
}

const correctTargetSQL = `/* correct_target */ UPDATE billing_targets t
SET batch_status = 'IMPORTED', deadline = $3, reachable = $4, quiet_from = $5::time, quiet_to = $6::time, quiet_zone = $7, wished_channel = $8
WHERE t.billing_month = $1::date AND t.user_id = $2`

func correctDataSQL(in partitions) string {
	return `/* correct_data */ UPDATE ` + in.data + ` d
SET line = v.line, file = coalesce(v.file, ''), import_id = nullif(v.import_id, 0), fingerprint = v.fingerprint, data = v.data, ` + eachChannel(func(_ int, column string) string { return column + " = v." + column }) + `,
  data_version = d.data_version + 1, statement = NULL, render_error = NULL, rendered_at = NULL, template_set = NULL
FROM (SELECT $1::date AS billing_month, u.* FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[], ` + destinationArrays(8) + `)
  AS u(user_id, line, file, import_id, fingerprint, data, ` + destinations("") + `) OFFSET 0) AS v
WHERE d.billing_month = v.billing_month AND d.user_id = v.user_id`
}

// correct stores a corrected target with its new data; it is to be rendered again.
func (t *targetTx) correct(ctx context.Context, target billing.Target, bill port.ImportedBill, seal Seal) error {
	const what = "correct a bill"
	sealed := sealedBill{ImportedBill: bill, user: target.Key().UserID}
	if err := sealed.seal(target.Key().Month, seal); err != nil {
		return err
	}
	if err := t.Save(ctx, []billing.Target{target}); err != nil {
		return err
	}
	state := target.State()
	from, to, zone := ownQuietColumns(&state)
	_, err := t.s.exec(ctx, what, correctTargetSQL, day(state.Key.Month), state.Key.UserID, instant(state.Deadline), int16(state.Reachable),
		nullable(from), nullable(to), nullable(zone), nullable(state.Wished))
	if err != nil {
		return err
	}
	_, err = t.s.exec(ctx, what, correctDataSQL(partitionsOf(state.Key.Month)), append([]any{day(state.Key.Month)}, dataArgs([]sealedBill{sealed})...)...)
	if err != nil {
		return err
	}
	bills := []sealedBill{sealed}
	return t.s.resolve(ctx, state.Key.Month, bills, map[int64][]byte{sealed.user: sealed.Fingerprint[:]}, bills)
}
