package postgres

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
)

// Replication reads what the server shows of its standbys.
type Replication struct{ db pool }

var _ port.Replication = Replication{}

// NewReplication returns the standbys of a database.
func NewReplication(db *sqlx.DB) Replication { return Replication{newPool(db)} }

// standbysSQL counts the followers, those of them whose state this role may see (others have NULL there), and the synchronous
// ones. A follower that has replayed everything has no lag.
const standbysSQL = `/* standbys */ SELECT current_setting('synchronous_standby_names') <> '', count(*), count(r.sync_state),
  count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')), coalesce(extract(epoch FROM max(r.replay_lag)), 0)::float8
FROM pg_stat_replication r`

// Standbys implements port.Replication. A server that waits for standbys by name shows that none is there; one that waits for
// nobody, and has no follower, shows nothing.
func (p Replication) Standbys(ctx context.Context) (standbys port.Standbys, err error) {
	var named bool
	var visible int
	var lag float64
	err = read(ctx, p.db, "look at the standbys", func(ctx context.Context, s *session) error {
		return s.one(ctx, "look at the standbys", standbysSQL, nil, &named, &standbys.Connected, &visible, &standbys.Synchronous, &lag)
	})
	if err != nil {
		return port.Standbys{}, err
	}
	standbys.Shown = visible == standbys.Connected && (named || visible > 0)
	standbys.Lag = time.Duration(lag * float64(time.Second))
	return standbys, nil
}
