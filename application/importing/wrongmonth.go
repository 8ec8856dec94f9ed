package importing

import (
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// checkMonth looks at the first rows of the file before any is stored: whether most of them are due before the month begins,
// or are the very bills of another month. billfile.ErrRefused then, unless the rules allow it.
func (r *run) checkMonth(ctx context.Context, first *chunk) error {
	signs, err := r.signsOfWrongMonth(ctx, first)
	if err != nil || len(signs) == 0 {
		return err
	}
	for _, sign := range signs {
		if !r.rules.AllowWrongMonth {
			return fmt.Errorf("%w: it may be the file of another month than %s: %s; if it is right, say so (--allow-wrong-month --reason …)", billfile.ErrRefused, r.rules.Month, sign)
		}
		r.reporter.Note(sign + " (imported all the same, as requested)")
		r.audited = append(r.audited, port.AuditEntry{
			Action: port.ActionImportWrongMonth.With(sign + ": " + r.source.file.Name), Subject: r.rules.Month.String(), By: r.act(),
		})
	}
	return nil
}

func (r *run) signsOfWrongMonth(ctx context.Context, first *chunk) (signs []string, err error) {
	bills := len(first.bills)
	if bills == 0 {
		return nil, nil
	}
	early := 0
	for _, remark := range first.remarks {
		if remark.Kind == DueBeforeMonth {
			early++
		}
	}
	if 2*early > bills {
		signs = append(signs, fmt.Sprintf("%d of its first %s %s due before %s begins", early, wording.Count(bills, "bill", "bills"), wording.Form(early, "is", "are"), r.rules.Month))
	}
	var elsewhere map[key.Month]int
	err = r.retry(ctx, func(ctx context.Context) (err error) {
		elsewhere, err = r.ports.Past.Elsewhere(ctx, r.rules.Month, first.bills)
		return err
	})
	var others []key.Month
	for month, n := range elsewhere {
		if 2*n > bills {
			others = append(others, month)
		}
	}
	slices.Sort(others)
	for _, month := range others {
		n := elsewhere[month]
		signs = append(signs, fmt.Sprintf("%d of its first %s %s in %s exactly as %s", n, wording.Count(bills, "bill", "bills"), wording.Form(n, "is", "are"), month, wording.Form(n, "it is", "they are")))
	}
	return signs, err
}
