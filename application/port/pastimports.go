package port

import (
	"context"
	"fmt"
	"strings"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// PastImports looks at what earlier imports stored, and takes an import back as a whole while nothing of it went out.
type PastImports interface {
	// Elsewhere counts the bills that other months have exactly as they are, by month. It looks at the months that were
	// opened last, a year of them.
	Elsewhere(ctx context.Context, month key.Month, bills []ImportedBill) (map[key.Month]int, error)
	// BeginUndo notes that an import is being taken back, and audits it, unless both was done before. ErrNotFound if the
	// month has no such import; billing.ErrRefused where one of its bills went further (UndoStanding), or the
	// month's bills were removed.
	BeginUndo(ctx context.Context, month key.Month, id int64, by Act) (ImportRecord, error)
	// UndoPage removes, in one transaction, up to limit bills of the import with a user id after the given one, and counts
	// them in its record. billing.ErrRefused where one of them went further since: then none of the page is removed. A bill
	// that was corrected by another import is that one's.
	UndoPage(ctx context.Context, month key.Month, id, after int64, limit int) (UndonePage, error)
	// Customers returns customers that have a bill in the month, at most limit, sorted by user id, those behind the user id
	// after. Fewer than limit means that there are no more.
	Customers(ctx context.Context, month key.Month, after int64, limit int) ([]MonthCustomer, error)
	// EndUndo removes the refused rows of the import, and opens those again that its bills had resolved.
	EndUndo(ctx context.Context, month key.Month, id int64) error
}

// MonthCustomer is a customer who has a bill in a month.
type MonthCustomer struct {
	UserID   int64
	Customer string
}

// UndonePage is what UndoPage removed.
type UndonePage struct {
	Removed int
	Last    int64 // user id; 0: there are no more
}

// UndoStanding is how far the bills of an import have gone. An event of a bill may be on its way although the bill is
// READY: a run publishes before it commits. So a bill counts as untouched only if its ledger has no row and no run may have
// published it: it was never rendered, or no run published anything since the import began.
type UndoStanding struct {
	Bills     int
	Requested int   // REQUESTED, or further
	Changed   int   // corrected, paused or cancelled
	Exposed   int   // rendered, and a run may have published them
	Run       int64 // that run; 0: none
}

// Err returns a billing.ErrRefused that says which bills have gone too far to be removed; nil if none has.
func (u UndoStanding) Err() error {
	var why []string
	add := func(n int, one, many, what string) {
		if n > 0 {
			why = append(why, wording.Count(n, one, many)+what)
		}
	}
	add(u.Requested, "is", "are", " REQUESTED or went further")
	add(u.Changed, "was", "were", " corrected, paused or cancelled since")
	if u.Run != 0 {
		add(u.Exposed, "is", "are", fmt.Sprintf(" rendered and may have been published by run %d", u.Run))
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("%w: of %s of the import %s: nothing of it may have gone out; correct or cancel single bills instead", billing.ErrRefused, wording.Count(u.Bills, "bill", "bills"), strings.Join(why, ", "))
}
