package memory

import (
	"context"

	"github.com/balsong/balsong/application/port"
)

// Replication is the store as port.Replication: it has no standby. Operation: replication.standbys.
func (s *Store) Replication() port.Replication { return replication{s} }

type replication struct{ s *Store }

func (p replication) Standbys(ctx context.Context) (port.Standbys, error) {
	return read(ctx, p.s, "replication.standbys", func() (port.Standbys, error) { return port.Standbys{}, nil })
}
