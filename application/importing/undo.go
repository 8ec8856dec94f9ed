package importing

import (
	"context"
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/wording"
)

// Undone is what taking an import back came to.
type Undone struct {
	Record  port.ImportRecord
	Removed int // bills that were removed now; none where the import had been taken back before
}

// Undo takes an import back as a whole: every bill that it brought is removed, page by page, as long as nothing of it went
// further. It may be repeated after any error, and again when all is done. port.ErrNotFound if the month has no such import;
// billing.ErrRefused where one of its bills went further, or another import of the month is running. An error says how many
// bills were removed before it.
func (i *Importer) Undo(ctx context.Context, month key.Month, id int64, by port.Act) (done Undone, err error) {
	if strings.TrimSpace(by.Actor) == "" || strings.TrimSpace(by.Reason) == "" {
		return done, fmt.Errorf("%w: to take an import back needs who and why", port.ErrInvalid)
	}
	by.At = i.ports.Clock.Now()
	release, err := i.lock(ctx, month)
	if err == nil {
		defer release()
		err = i.undo(ctx, month, id, by, &done)
	}
	if err != nil {
		return done, fmt.Errorf("take import %d of %s back, after %s: %w", id, month, wording.Count(done.Removed, "bill", "bills"), err)
	}
	return done, nil
}

// lock keeps imports of the month out.
func (i *Importer) lock(ctx context.Context, month key.Month) (release func(), err error) {
	err = i.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		release, _, err = i.ports.Imports.TryLockMonth(ctx, month)
		return err
	})
	if err == nil && release == nil {
		err = fmt.Errorf("%w: an import of %s is running: wait for its end", billing.ErrRefused, month)
	}
	return release, err
}

func (i *Importer) undo(ctx context.Context, month key.Month, id int64, by port.Act, done *Undone) error {
	err := i.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		done.Record, err = i.ports.Past.BeginUndo(ctx, month, id, by)
		return err
	})
	if err != nil {
		return err
	}
	for after := int64(0); ; {
		var page port.UndonePage
		err := i.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
			page, err = i.ports.Past.UndoPage(ctx, month, id, after, chunkRows)
			return err
		})
		if err != nil {
			return err
		}
		done.Removed += page.Removed
		if after = page.Last; after == 0 {
			break
		}
	}
	return i.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return i.ports.Past.EndUndo(ctx, month, id) })
}
