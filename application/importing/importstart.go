package importing

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
)

// admitted opens the month, keeps other imports of it out, finds out what the month still takes, and runs do.
func (r *importRun) admitted(ctx context.Context, do func(context.Context) error) error {
	month := r.options.Month
	err := r.watch.Retry(ctx, "database", func(ctx context.Context) error { return r.months.Open(ctx, month) })
	if err != nil {
		return err
	}
	if !r.options.Beside {
		release, err := r.alone(ctx)
		if err != nil {
			return err
		}
		defer release()
	}
	var begun bool
	err = r.watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
		begun, err = r.months.DispatchStarted(ctx, month)
		return err
	})
	switch {
	case err != nil:
		return err
	case begun && r.options.Late:
		by := r.options.By
		by.At = r.clock.Now()
		err = r.watch.Retry(ctx, "database", func(ctx context.Context) error {
			return r.audit.Note(ctx, "import late: "+r.options.File, month.String(), by)
		})
	case begun:
		r.shut = true
		if r.options.Remark != nil {
			r.options.Remark(fmt.Sprintf("dispatch of %s has begun: bills of customers whom it does not have yet stay out (--late --reason … lets them in)", month))
		}
	}
	if err != nil {
		return err
	}
	return do(ctx)
}

// alone claims the month; billing.ErrRefused where another import has it.
func (r *importRun) alone(ctx context.Context) (release func(), err error) {
	var other port.ImportRecord
	err = r.watch.Retry(ctx, "database", func(ctx context.Context) error {
		release, other, err = r.imports.TryLockMonth(ctx, r.options.Month)
		return err
	})
	if err == nil && release == nil {
		who := ""
		if other.ID != 0 {
			who = fmt.Sprintf(" (%s, by %q, since %s)", other.File, other.By.Actor, other.StartedAt.Format("2006-01-02 15:04:05 MST"))
		}
		err = fmt.Errorf("%w: another import of %s is under way%s: wait for its end, or name all files in one import; --beside runs this one all the same: "+
			"of two different bills of a customer the first to come stays", billing.ErrRefused, r.options.Month, who)
	}
	return release, err
}
