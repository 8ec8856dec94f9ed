package settle

import (
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// Correction returns the decision on corrected data (R6): the current key is revoked, or the correction refused
// (billing.ErrRefused), so that no older copy can go out.
func Correction(bill port.ImportedBill, clock port.Clock) port.CorrectionDecision {
	return func(t *billing.Target, row *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
		mustRevoke, err := t.MayCorrect(row)
		if err != nil {
			return err
		}
		now := clock.Now()
		if mustRevoke {
			revoked, err := revoke(attempt.Revocation{Key: t.Delivery(), Reason: attempt.ReasonCorrect, FinishedAt: now})
			if err != nil {
				return err
			}
			if !revoked {
				return fmt.Errorf("%w: %s: a try is under way: wait for its outcome, then correct it", billing.ErrRefused, t.Key())
			}
		}
		return t.Correct(bill.State, now)
	}
}
