package port

import (
	"context"
	"time"
)

// Replication tells how the database's standbys follow.
type Replication interface {
	// Standbys returns what the database shows of its standbys.
	Standbys(ctx context.Context) (Standbys, error)
}

// Standbys is what a database shows of the servers that follow it.
type Standbys struct {
	// Shown is false where there are none, or their state is hidden: from this role, or because the database's operator
	// replicates by other means (RDS Multi-AZ).
	Shown       bool
	Connected   int
	Synchronous int           // that a commit waits for
	Lag         time.Duration // of the slowest one's replay; 0 while it has nothing to replay
}
