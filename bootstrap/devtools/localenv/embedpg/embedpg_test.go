package embedpg_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/lib/pq"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func ask(t *testing.T, server *embedpg.Server, question string) (answer string) {
	t.Helper()
	db, err := sql.Open("postgres", server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow(question).Scan(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestServerHasTheVersionAndSettingsPromised(t *testing.T) {
	t.Parallel()
	durable := start(t, embedpg.Options{
		DataDir: dataDir(t), Durable: true, Settings: map[string]string{"work_mem": "5MB"},
	})
	for setting, want := range map[string]string{
		"server_version": "18.6", "listen_addresses": "127.0.0.1", "max_connections": "300",
		"shared_buffers": "256MB", "fsync": "on", "synchronous_commit": "on", "work_mem": "5MB",
	} {
		if got := ask(t, durable, "SHOW "+setting); got != want {
			t.Errorf("%s = %s, want %s", setting, got, want)
		}
	}
}

func TestInstalledPostgresRunsToo(t *testing.T) {
	t.Parallel()
	const programs = "/usr/lib/postgresql/15/bin"
	if _, err := os.Stat(programs); err != nil {
		t.Skipf("no PostgreSQL 15 here: %v", err)
	}
	server := start(t, embedpg.Options{BinDir: programs})
	if got := ask(t, server, "SHOW server_version_num"); got[:2] != "15" {
		t.Errorf("server_version_num = %s, want 15xxxx", got)
	}
}

func TestBadDirectoryOfProgramsIsNamed(t *testing.T) {
	t.Parallel()
	_, err := embedpg.Start(t.Context(), embedpg.Options{BinDir: "/nowhere/bin"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/bin") {
		t.Errorf("err = %v, want one that names the directory", err)
	}
}

// Two starts at once with an empty cache: one downloads, both run.
func TestTwoFirstStartsShareTheDownload(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("downloads 15 MB")
	}
	cache := filepath.Join(filepath.Dir(dataDir(t)), "cache")
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			server, err := embedpg.Start(t.Context(), embedpg.Options{CacheDir: cache})
			if err != nil {
				t.Error(err)
				return
			}
			if err := server.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
