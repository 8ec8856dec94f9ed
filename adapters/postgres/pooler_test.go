package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
)

// pooled starts PgBouncer in transaction mode before a database, and returns the URL through it. Where there is no PgBouncer
// it skips the test, unless BALSONG_TEST_PGBOUNCER is "required".
func pooled(t *testing.T, direct string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer") // Debian's, which only root has in its PATH
	}
	switch {
	case err != nil && os.Getenv("BALSONG_TEST_PGBOUNCER") == "required":
		t.Fatal(err)
	case err != nil:
		t.Skip("pgbouncer is not installed (Debian, Ubuntu: apt-get install pgbouncer); `make test-real` asks for it")
	}
	to, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	password, _ := to.User.Password()
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%s user=%s password='%s'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
ignore_startup_parameters = options,statement_timeout,lock_timeout,idle_in_transaction_session_timeout
`, to.Hostname(), to.Port(), to.User.Username(), password, port)
	file := filepath.Join(t.TempDir(), "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-q", file}
	if os.Geteuid() == 0 { // it runs as no root
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"-u", "nobody"}, args...)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	pooler := exec.CommandContext(ctx, program, args...)
	if err := pooler.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = pooler.Wait()
	})
	address := net.JoinHostPort("127.0.0.1", port)
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("pgbouncer does not listen: %v", err)
		}
	}
	to.Host = address
	return to.String()
}

func TestAPoolerInTransactionModeNeitherLosesNorKeepsAnImportsLock(t *testing.T) {
	t.Parallel()
	direct := postgrestest.URL(t)
	through := pooled(t, direct)
	if err := postgres.Migrate(t.Context(), through); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	first, second := connect(t, through, "first"), connect(t, through, "second")
	for range 3 {
		release, _, err := postgres.NewImports(first).TryLockMonth(t.Context(), month)
		if err != nil || release == nil {
			t.Fatalf("claim: %v", err)
		}
		for range 3 { // other work comes and goes meanwhile
			mustExec(t, second, `SELECT 1`)
		}
		if stolen, _, err := postgres.NewImports(second).TryLockMonth(t.Context(), month); err != nil || stolen != nil {
			t.Fatalf("while the first one has it: %v", err)
		}
		release()
	}
	release, _, err := postgres.NewImports(second).TryLockMonth(t.Context(), month)
	if err != nil || release == nil {
		t.Fatalf("after the end of the others: %v", err)
	}
	release()
	var left int // on a connection to the server, which whoever gets it next has without asking
	err = connect(t, direct, "looking").GetContext(t.Context(), &left, `SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
	  WHERE l.locktype = 'advisory' AND d.datname = current_database()`)
	if err != nil || left != 0 {
		t.Errorf("%d locks are left (%v)", left, err)
	}
	facts, err := postgres.Examine(t.Context(), postgres.Config{URL: through})
	if err != nil || !facts.Shared {
		t.Errorf("doctor sees no pooler: %+v, %v", facts, err)
	}
	if facts, err := postgres.Examine(t.Context(), postgres.Config{URL: postgrestest.URL(t)}); err != nil || facts.Shared {
		t.Errorf("doctor sees a pooler where there is none: %+v, %v", facts, err)
	}
}
