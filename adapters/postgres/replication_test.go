package postgres_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/application/port"
)

// The server of the tests has no standby, and it is everybody's: a view of standbys stands before the server's own.
func TestStandbysAreShownAsTheServerShowsThemToTheRole(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.OpenURL(t, url)
	mustExec(t, db, `CREATE SCHEMA shown; CREATE TABLE shown.pg_stat_replication (sync_state text, replay_lag interval)`)
	seen, err := postgres.Open(postgres.Config{URL: url + "&search_path=shown,pg_catalog,public"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = seen.Close() })
	for _, c := range []struct {
		name, rows string
		want       port.Standbys
	}{
		{"two, one of them synchronous", `('sync', '1.5 s'), ('async', '20 s')`, port.Standbys{Shown: true, Connected: 2, Synchronous: 1, Lag: 20 * time.Second}},
		{"a quorum that has replayed everything", `('quorum', NULL), ('quorum', NULL)`, port.Standbys{Shown: true, Connected: 2, Synchronous: 2}},
		{"hidden from the role", `(NULL, NULL)`, port.Standbys{Connected: 1}},
	} {
		mustExec(t, db, `TRUNCATE shown.pg_stat_replication; INSERT INTO shown.pg_stat_replication VALUES `+c.rows)
		if got, err := postgres.NewReplication(seen).Standbys(t.Context()); err != nil || got != c.want {
			t.Errorf("%s: %+v (%v), want %+v", c.name, got, err, c.want)
		}
	}
	mustExec(t, db, `TRUNCATE shown.pg_stat_replication;
	  CREATE FUNCTION shown.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'ANY 1 (a, b)' $$`)
	if got, err := postgres.NewReplication(seen).Standbys(t.Context()); err != nil || got != (port.Standbys{Shown: true}) {
		t.Errorf("waited for by name, and none is there: %+v (%v)", got, err)
	}
}
