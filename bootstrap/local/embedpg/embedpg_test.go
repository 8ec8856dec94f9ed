package embedpg_test

import (
	"database/sql"
	"os"
	"testing"

	_ "github.com/lib/pq"

	"github.com/balsong/balsong/bootstrap/local/child"
	"github.com/balsong/balsong/bootstrap/local/embedpg"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func open(t *testing.T, server *embedpg.Server) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestServerAnswersQueries(t *testing.T) {
	t.Parallel()
	server, err := embedpg.Start(t.Context(), embedpg.Options{Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	var version string
	if err := open(t, server).QueryRow("SHOW server_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if version != "18.6" {
		t.Fatalf("server_version = %q, want 18.6", version)
	}
}
