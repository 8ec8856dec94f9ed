package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Mappings stores the mappings of imports.
type Mappings struct{ db pool }

var _ port.Mappings = Mappings{}

// NewMappings returns the mappings of a database.
func NewMappings(db *sqlx.DB) Mappings { return Mappings{newPool(db)} }

const addMappingSQL = `/* add_mapping */ INSERT INTO month_mappings (billing_month, fingerprint, name, content, added_at)
VALUES ($1::date, $2::bytea, $3, $4, $5) ON CONFLICT (billing_month, fingerprint) DO NOTHING`

// Add implements port.Mappings.
func (p Mappings) Add(ctx context.Context, month key.Month, m port.MonthMapping) error {
	return write(ctx, p.db, "keep a mapping", func(ctx context.Context, s *session) error {
		_, err := s.exec(ctx, "keep a mapping", addMappingSQL, day(month), m.Fingerprint[:], clean(m.Name), storable(m.Text), instant(m.AddedAt))
		return err
	})
}

const mappingsSQL = `/* mappings */ SELECT m.fingerprint, m.name, m.content, m.added_at FROM month_mappings m
WHERE m.billing_month = $1::date AND coalesce((SELECT bool_or((i.undone_at IS NULL OR i.undone < i.inserted)
    AND (i.finished_at IS NULL OR i.error <> '' OR i.inserted + i.corrected + i.unchanged > 0)) FROM imports i
  WHERE i.billing_month = m.billing_month AND i.mapping = m.fingerprint), true) ORDER BY m.added_at, m.fingerprint`

// Of implements port.Mappings.
func (p Mappings) Of(ctx context.Context, month key.Month) (list []port.MonthMapping, err error) {
	err = read(ctx, p.db, "list the month's mappings", func(ctx context.Context, s *session) error {
		return s.query(ctx, "list the month's mappings", mappingsSQL, []any{day(month)}, func(scan func(...any) error) error {
			var m port.MonthMapping
			var fingerprint []byte
			err := scan(&fingerprint, &m.Name, &m.Text, utc(&m.AddedAt))
			copy(m.Fingerprint[:], fingerprint)
			list = append(list, m)
			return err
		})
	})
	return list, err
}
