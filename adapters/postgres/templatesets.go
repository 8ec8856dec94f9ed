package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// TemplateSets stores the template sets of months.
type TemplateSets struct{ db pool }

var _ port.TemplateSets = TemplateSets{}

// NewTemplateSets returns the template sets of a database.
func NewTemplateSets(db *sqlx.DB) TemplateSets { return TemplateSets{newPool(db)} }

const addTemplateSetSQL = `/* add_template_set */ INSERT INTO month_templates (billing_month, number, fingerprint, name, files, added_at)
VALUES ($1::date, $2::smallint, $3::bytea, $4, $5::json, $6) ON CONFLICT (billing_month, number) DO NOTHING`

// Add implements port.TemplateSets.
func (p TemplateSets) Add(ctx context.Context, month key.Month, set port.TemplateSet, entries ...port.AuditEntry) (added bool, err error) {
	const what = "keep a template set"
	files, err := json.Marshal(set.Files)
	if err != nil {
		return false, fmt.Errorf("%s: %w", what, err)
	}
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, what, addTemplateSetSQL, day(month), set.Number, set.Fingerprint[:], clean(set.Name), string(files), instant(set.AddedAt))
		if added = n == 1; err != nil || !added {
			return err
		}
		for _, entry := range entries {
			if err := s.audit(ctx, entry); err != nil {
				return err
			}
		}
		return nil
	})
	return added && err == nil, err
}

const templateSetsSQL = `/* template_sets */ SELECT t.number, t.fingerprint, t.name, t.files, t.added_at,
  coalesce((SELECT bool_and(i.undone_at IS NOT NULL AND i.undone >= i.inserted) FROM imports i
    WHERE i.billing_month = t.billing_month AND i.started_at <= t.added_at AND (i.finished_at IS NULL OR i.error <> '' OR i.inserted + i.corrected > 0)), false)
  AND NOT EXISTS (SELECT FROM billing_targets g WHERE g.billing_month = $1::date AND g.batch_status = 'RENDERED')
FROM month_templates t
WHERE t.billing_month = $1::date ORDER BY t.number`

// Of implements port.TemplateSets.
func (p TemplateSets) Of(ctx context.Context, month key.Month) (list []port.TemplateSet, err error) {
	const what = "list the month's template sets"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		list = nil
		return s.query(ctx, what, templateSetsSQL, []any{day(month)}, func(scan func(...any) error) error {
			var set port.TemplateSet
			var fingerprint, files []byte
			if err := scan(&set.Number, &fingerprint, &set.Name, &files, utc(&set.AddedAt), &set.Gone); err != nil {
				return err
			}
			copy(set.Fingerprint[:], fingerprint)
			list = append(list, set)
			return json.Unmarshal(files, &list[len(list)-1].Files)
		})
	})
	return list, err
}
