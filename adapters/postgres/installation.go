package postgres

import (
	"context"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Installation reads what tells this database from every other.
type Installation struct{ db pool }

var _ port.Installation = Installation{}

// NewInstallation returns the installation of a database.
func NewInstallation(db *sqlx.DB) Installation { return Installation{newPool(db)} }

// ID implements port.Installation.
func (p Installation) ID(ctx context.Context) (id string, err error) {
	err = read(ctx, p.db, "read the installation's id", func(ctx context.Context, s *session) error {
		return s.one(ctx, "read the installation's id", `/* installation */ SELECT i.id FROM installation i`, nil, &id)
	})
	return id, err
}
