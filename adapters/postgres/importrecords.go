package postgres

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// importColumns are the columns of imports i that importTargets scans; the month is known.
const importColumns = `i.id, i.file, i.actor, i.reason, i.started_at, i.finished_at, i.row_count, i.inserted, i.unchanged, i.corrected,
  i.conflicts, i.rejected, i.error, i.undone_at, i.undone, i.mapping`

// importTargets are the scan targets for one row of importColumns. Every column may be NULL, as in a left join without
// a match.
func importTargets(r *port.ImportRecord) []any {
	return []any{
		optional(&r.ID), optional(&r.File), optional(&r.By.Actor), optional(&r.By.Reason), utc(&r.StartedAt), utc(&r.FinishedAt),
		optional(&r.Rows), optional(&r.Inserted), optional(&r.Unchanged), optional(&r.Corrected), optional(&r.Conflicts),
		optional(&r.Rejected), optional(&r.Error), utc(&r.UndoneAt), optional(&r.Undone),
		fingerprint{&r.Mapping},
	}
}

// fingerprint scans a fingerprint; NULL is zero.
type fingerprint struct{ to *[32]byte }

// Scan implements sql.Scanner.
func (f fingerprint) Scan(value any) error {
	*f.to = [32]byte{}
	if raw, ok := value.([]byte); ok {
		copy(f.to[:], raw)
	}
	return nil
}

func mappingArg(r port.ImportRecord) any {
	if r.Mapping == ([32]byte{}) {
		return nil
	}
	return r.Mapping[:]
}

func importArgs(r port.ImportRecord) []any {
	return []any{
		day(r.Month), clean(r.File), clean(r.By.Actor), clean(r.By.Reason), instant(r.StartedAt), instant(r.FinishedAt),
		r.Rows, r.Inserted, r.Unchanged, r.Corrected, r.Conflicts, r.Rejected, clean(r.Error),
	}
}

const beginImportSQL = `/* begin_import */ INSERT INTO imports (billing_month, file, actor, reason, started_at, finished_at, row_count, inserted,
  unchanged, corrected, conflicts, rejected, error, mapping)
VALUES ($1::date, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::bytea) RETURNING id`

// Begin implements port.Imports.
func (p *Imports) Begin(ctx context.Context, record port.ImportRecord, entries ...port.AuditEntry) (id int64, err error) {
	err = write(ctx, p.db, "begin an import", func(ctx context.Context, s *session) error {
		if err := s.one(ctx, "begin an import", beginImportSQL, append(importArgs(record), mappingArg(record)), &id); err != nil {
			return err
		}
		for _, entry := range entries {
			if err := s.audit(ctx, entry); err != nil {
				return err
			}
		}
		return nil
	})
	return id, err
}

const endImportSQL = `/* end_import */ UPDATE imports SET billing_month = $1::date, file = $2, actor = $3, reason = $4, started_at = $5,
  finished_at = $6, row_count = $7, inserted = $8, unchanged = $9, corrected = $10, conflicts = $11, rejected = $12, error = $13
WHERE id = $14`

// End implements port.Imports.
func (p *Imports) End(ctx context.Context, record port.ImportRecord) error {
	return write(ctx, p.db, "end an import", func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, "end an import", endImportSQL, append(importArgs(record), record.ID)...)
		if err == nil && n == 0 {
			err = fmt.Errorf("end an import: %w: import %d never began", port.ErrNotFound, record.ID)
		}
		return err
	})
}

const importsSQL = `/* imports */ SELECT ` + importColumns + ` FROM imports i WHERE i.billing_month = $1::date ORDER BY i.id`

// Imports implements port.Report.
func (p Report) Imports(ctx context.Context, month key.Month) ([]port.ImportRecord, error) {
	var records []port.ImportRecord
	err := read(ctx, p.db, "list the month's imports", func(ctx context.Context, s *session) error {
		return s.query(ctx, "list the month's imports", importsSQL, []any{day(month)}, func(scan func(...any) error) error {
			r := port.ImportRecord{Month: month}
			err := scan(importTargets(&r)...)
			records = append(records, r)
			return err
		})
	})
	return records, err
}

const originSQL = `/* origin */ SELECT d.file, d.line, d.data_version, d.rendered_at, d.render_error, t.fingerprint, t.name, ` + importColumns + `
FROM billing_data d LEFT JOIN imports i ON i.id = d.import_id
LEFT JOIN month_templates t ON t.billing_month = d.billing_month AND t.number = d.template_set WHERE d.billing_month = $1::date AND d.user_id = $2`

// Origin implements port.Report.
func (p Report) Origin(ctx context.Context, target key.Target) (port.Origin, error) {
	var o port.Origin
	var fingerprint []byte
	var set port.TemplateSet
	err := read(ctx, p.db, "find where a bill came from", func(ctx context.Context, s *session) error {
		return s.one(ctx, "find where a bill came from", originSQL, []any{day(target.Month), target.UserID},
			append([]any{&o.File, &o.Line, &o.Version, utc(&o.RenderedAt), optional(&o.RenderError), &fingerprint, optional(&set.Name)}, importTargets(&o.Import)...)...)
	})
	if fingerprint != nil {
		copy(set.Fingerprint[:], fingerprint)
		o.Templates = set.String()
	}
	if o.Import.ID != 0 {
		o.Import.Month = target.Month
	}
	return o, err
}
