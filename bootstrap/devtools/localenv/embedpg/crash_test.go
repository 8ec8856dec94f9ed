package embedpg_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child/childtest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
)

// running is what the process that a test kills tells of its server.
type running struct {
	URL        string `json:"url"`
	Postmaster int    `json:"postmaster"`
	Supervisor int    `json:"supervisor"`
	DataDir    string `json:"data_dir"`
}

var owner = child.Register("test-owner", func(ctx context.Context, link *child.Link) error {
	var r running
	ctx, err := link.Spec(ctx, &r)
	if err != nil {
		return err
	}
	server, err := embedpg.Start(ctx, embedpg.Options{DataDir: r.DataDir, Log: os.Stderr})
	if err != nil {
		return err
	}
	r = running{URL: server.URL("postgres"), Postmaster: server.PID(), Supervisor: parentOf(server.PID())}
	r.DataDir, err = os.Readlink(fmt.Sprintf("/proc/%d/cwd", server.PID()))
	if err != nil {
		return err
	}
	if err := link.Ready(r); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
})

func parentOf(pid int) int {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	var state string
	var parent int
	if _, err := fmt.Sscan(rest, &state, &parent); err != nil {
		return 0
	}
	return parent
}

func startOwner(t *testing.T, dir string) (*child.Process, running) {
	t.Helper()
	p, err := child.Start(t.Context(), child.Options{Role: owner, Spec: running{DataDir: dir}, Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	var r running
	if err := p.Info(&r); err != nil {
		t.Fatal(err)
	}
	return p, r
}

// dataDir is one that root's unprivileged user can enter.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(child.TempDir(), "embedpg-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

func execute(t *testing.T, url, statement string) {
	t.Helper()
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, options embedpg.Options) *embedpg.Server {
	t.Helper()
	options.Log = t.Output()
	server, err := embedpg.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		childtest.WaitGone(t, server.PID())
	})
	return server
}

func TestDataOutlivesTheKilledOwner(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p, r := startOwner(t, dir)
	execute(t, r.URL, "CREATE TABLE kept AS SELECT 42 AS answer")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	server := start(t, embedpg.Options{DataDir: dir}) // at once: it waits for the old one
	execute(t, server.URL("postgres"), "INSERT INTO kept VALUES (43)")
	childtest.WaitGone(t, r.Postmaster)
}

func TestTemporaryDataGoesWithTheKilledOwner(t *testing.T) {
	t.Parallel()
	p, r := startOwner(t, "")
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	childtest.WaitGone(t, r.Postmaster)
	waittest.Until(t, "the removal of "+r.DataDir, func() bool {
		_, err := os.Stat(filepath.Dir(r.DataDir))
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestServerStartsAfterOwnerAndSupervisorWereKilled(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p, r := startOwner(t, dir)
	execute(t, r.URL, "CREATE TABLE kept AS SELECT 42 AS answer")
	if err := syscall.Kill(r.Supervisor, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	server := start(t, embedpg.Options{DataDir: dir})
	execute(t, server.URL("postgres"), "INSERT INTO kept VALUES (43)")
	childtest.WaitGone(t, r.Postmaster)
}

func TestKilledServerRestartsOnItsPortAndData(t *testing.T) {
	t.Parallel()
	server := start(t, embedpg.Options{})
	url := server.URL("postgres")
	execute(t, url, "CREATE TABLE kept AS SELECT 42 AS answer")
	if err := server.Restart(t.Context()); !errors.Is(err, child.ErrRunning) {
		t.Errorf("Restart of a running server: %v, want ErrRunning", err)
	}
	for _, end := range []func() error{server.Kill, server.Shutdown, server.Kill} {
		if err := end(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if server.URL("postgres") != url {
			t.Fatalf("URL changed from %s to %s", url, server.URL("postgres"))
		}
		execute(t, url, "INSERT INTO kept VALUES (43)")
	}
}

// A process that has the number of a dead postmaster must not stop the start.
func TestServerStartsAlthoughItsOldProcessNumberIsTaken(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	server := start(t, embedpg.Options{DataDir: dir})
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	taken := start(t, embedpg.Options{}) // same user, other data
	file := filepath.Join(dir, "pg18", "postmaster.pid")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), "\n")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%d\n%s", taken.PID(), rest), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if childtest.IsGone(taken.PID()) {
		t.Error("the start ended another's server")
	}
}
