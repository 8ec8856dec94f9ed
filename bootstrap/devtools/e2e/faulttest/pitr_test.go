package faulttest_test

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
)

// archived is a PostgreSQL server of a test's own that archives its log, so that it can be restored to a moment.
type archived struct {
	server *embedpg.Server
	dir    string // holds the data, the archive, the base backup and what is restored
}

// startArchived starts the server.
func startArchived(t *testing.T) *archived {
	t.Helper()
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-restore-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o711)) // PostgreSQL enters it as another user
	a := &archived{dir: dir}
	must(t, os.Mkdir(a.path("archive"), 0o755))
	must(t, os.Chmod(a.path("archive"), 0o777))
	a.server = a.start(t, "data", map[string]string{
		"archive_mode": "on", "archive_command": "cp %p " + a.path("archive") + "/%f", "wal_level": "replica", "full_page_writes": "on",
	})
	return a
}

func (a *archived) path(name string) string { return filepath.Join(a.dir, name) }

func (a *archived) start(t *testing.T, data string, settings map[string]string) *embedpg.Server {
	t.Helper()
	server, err := embedpg.Start(context.Background(), embedpg.Options{DataDir: a.path(data), Settings: settings})
	must(t, err)
	t.Cleanup(func() { _ = server.Stop() })
	return server
}

// database makes a database and returns its URL.
func (a *archived) database(t *testing.T, name string) string {
	t.Helper()
	a.exec(t, a.server.URL("postgres"), "CREATE DATABASE "+name)
	return a.server.URL(name)
}

func (a *archived) exec(t *testing.T, url, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	must(t, err)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(t.Context(), statement)
	must(t, err)
}

// backup copies the data of the running server, as pg_basebackup does.
func (a *archived) backup(t *testing.T) {
	t.Helper()
	db, err := sql.Open("postgres", a.server.URL("postgres"))
	must(t, err)
	defer func() { _ = db.Close() }()
	conn, err := db.Conn(t.Context()) // the backup belongs to a session
	must(t, err)
	_, err = conn.ExecContext(t.Context(), "SELECT pg_backup_start('test', true)")
	must(t, err)
	from := a.data(t, "data")
	must(t, os.Mkdir(a.path("restored"), 0o711))
	to := filepath.Join(a.path("restored"), filepath.Base(from))
	_ = exec.CommandContext(t.Context(), "cp", "-a", from, to).Run() // a file that went meanwhile is in the log
	must(t, exec.CommandContext(t.Context(), "cp", "-a", a.path("data")+"/password", a.path("restored")).Run())
	var label string
	must(t, conn.QueryRowContext(t.Context(), "SELECT labelfile FROM pg_backup_stop()").Scan(&label))
	must(t, os.WriteFile(filepath.Join(to, "backup_label"), []byte(label), 0o644))
	must(t, os.WriteFile(filepath.Join(to, "recovery.signal"), nil, 0o644))
	must(t, os.Remove(filepath.Join(to, "postmaster.pid")))
	must(t, os.RemoveAll(filepath.Join(to, "pg_wal")))
	must(t, os.MkdirAll(filepath.Join(to, "pg_wal", "archive_status"), 0o700))
	if os.Geteuid() == 0 {
		must(t, filepath.WalkDir(a.path("restored"), func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, child.Nobody, child.Nobody)
		}))
	}
}

// data is the server's data directory below one of ours.
func (a *archived) data(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(a.path(name), "pg*", "PG_VERSION"))
	must(t, err)
	if len(found) != 1 {
		t.Fatalf("%d data directories below %s", len(found), name)
	}
	return filepath.Dir(found[0])
}

// mark gives a moment a name, to which restore goes back.
func (a *archived) mark(t *testing.T, name string) {
	t.Helper()
	a.exec(t, a.server.URL("postgres"), fmt.Sprintf("SELECT pg_create_restore_point('%s')", name))
}

// restore ends the server and starts what the backup and the archive make of it, as it was at a moment that was marked.
func (a *archived) restore(t *testing.T, name string) {
	t.Helper()
	a.exec(t, a.server.URL("postgres"), "SELECT pg_switch_wal()")
	must(t, a.server.Stop()) // archives what is left
	a.server = a.start(t, "restored", map[string]string{
		"restore_command": "cp " + a.path("archive") + "/%f %p", "recovery_target_name": name, "recovery_target_action": "promote",
	})
	db, err := sql.Open("postgres", a.server.URL("postgres"))
	must(t, err)
	defer func() { _ = db.Close() }()
	await(t, "the restored server takes writes", func() bool {
		recovering := true
		return db.QueryRowContext(t.Context(), "SELECT pg_is_in_recovery()").Scan(&recovering) == nil && !recovering
	}, func() string { return "" })
}
