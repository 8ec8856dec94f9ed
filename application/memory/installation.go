package memory

import (
	"context"

	"github.com/balsong/balsong/application/port"
)

// Installation is the store as port.Installation. Operations: installation.id.
func (s *Store) Installation() port.Installation { return installation{s} }

type installation struct{ s *Store }

// ID implements port.Installation.
func (p installation) ID(ctx context.Context) (string, error) {
	return read(ctx, p.s, "installation.id", func() (string, error) { return p.s.installation, nil })
}
