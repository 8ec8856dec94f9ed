package reruntest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/key"
)

// rows a month, in so many files; a chunk has a thousand.
const (
	rows  = 9000
	files = 2
)

var shared struct {
	once   sync.Once
	dir    string
	set    *localenv.Set
	keyset []byte
	err    error
	worlds atomic.Int32
}

func TestMain(m *testing.M) {
	child.Main() // the components and the steps are this program again
	code := m.Run()
	if shared.set != nil {
		if err := shared.set.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

func started(t *testing.T) *localenv.Set {
	t.Helper()
	shared.once.Do(func() {
		if shared.dir, shared.err = os.MkdirTemp(child.TempDir(), "balsong-rerun-"); shared.err != nil {
			return
		}
		if shared.err = os.Chmod(shared.dir, 0o711); shared.err != nil { // PostgreSQL enters it as another user
			return
		}
		if shared.keyset, shared.err = crypto.NewKeyset(); shared.err != nil {
			return
		}
		shared.set, shared.err = localenv.Start(context.Background(), localenv.Options{Kafka: localenv.Kfake, DataDir: filepath.Join(shared.dir, "data")})
	})
	must(t, shared.err)
	return shared.set
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// world is a database and a bucket of a test's own.
type world struct {
	config wholebatch.Config
	month  key.Month
	dir    string // of the files
	db     *sqlx.DB
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a := started(t).Addresses()
	name := fmt.Sprintf("rerun%d", shared.worlds.Add(1))
	url, err := a.Database(t.Context(), name)
	must(t, err)
	w := &world{month: key.Month(2026*12 + 10), dir: t.TempDir(), config: wholebatch.Config{
		Database: config.Database{URL: url, MaxConns: 8, StatementTimeout: 30 * time.Second, LockTimeout: 30 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, KafkaAccess: config.KafkaAccess{TopicPrefix: name + "-"}, Partitions: 3, Replication: 1, MinInSync: 1},
		S3:       a.StatementStore("balsong-"+name, 16),
		Keys:     config.Keys{Keyset: string(shared.keyset)}, Log: config.Log{Level: "warn", Format: "json"},
	}}
	w.db, err = sqlx.Open("postgres", w.config.Database.URL)
	must(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	code := core.Once(t.Context(), os.Stderr, wholebatch.Options(w.config), func(ctx context.Context, b wholebatch.Batch) error { return b.Migrate(ctx) })
	if code != core.ExitOK {
		t.Fatalf("migrate ends with exit code %d", code)
	}
	return w
}

// do does a step in a process of its own, to its end.
func (w *world) do(t *testing.T, step string) {
	t.Helper()
	if err := w.process(t, order{Step: step}); err != nil {
		t.Fatalf("%s: %v", step, err)
	}
}

// kill does a step in a process that is killed at a place, and sees it die of that.
func (w *world) kill(t *testing.T, step, place string, after int64) {
	t.Helper()
	var ended *exec.ExitError
	err := w.process(t, order{Step: step, Kill: place, After: after})
	if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%s was to be killed %s, and ended with %v", step, place, err)
	}
}

func (w *world) process(t *testing.T, o order) error {
	t.Helper()
	o.Dir, o.Config, o.Month = w.dir, w.config, w.month
	process, err := child.Start(t.Context(), child.Options{Role: workRole, Spec: o, Log: os.Stderr})
	must(t, err)
	<-process.Done()
	return process.Err()
}

// left is what a directory holds, with the bytes of each file.
func (w *world) left(t *testing.T) (content string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(w.dir, "*"))
	must(t, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(t, err)
		content += filepath.Base(name) + "\n" + string(data)
	}
	return content
}

// undisturbed is a month that nobody disturbed.
func undisturbed(t *testing.T) (w *world, files string, s state) {
	t.Helper()
	w = newWorld(t)
	for _, step := range []string{"generate", "import", "render"} {
		w.do(t, step)
	}
	if s = w.stateOf(t); s.rows != rows || s.rendered != rows || s.customers != rows {
		t.Fatalf("undisturbed, a month comes to %s", s)
	}
	return w, w.left(t), s
}

// A step that is killed wherever it is, and run again, ends as if nobody had killed it.
func TestWhatIsKilledAndRunAgainEndsInTheSameState(t *testing.T) {
	t.Parallel()
	_, files, want := undisturbed(t)
	w := newWorld(t)

	w.kill(t, "generate", midFile, 5)
	if there := w.left(t); there == files || !strings.Contains(there, ".part\n") {
		t.Errorf("generate was not killed in the middle of a file")
	}
	w.do(t, "generate")
	if w.left(t) != files {
		t.Errorf("generate, killed and run again, leaves other files")
	}

	w.kill(t, "import", midChunk, 20_000)
	w.between(t, "import, killed in a transaction,", func(s state) bool { return s.rows > 0 && s.rows < rows })
	w.kill(t, "import", afterChunk, 2)
	w.between(t, "import, killed behind a commit,", func(s state) bool { return s.rows > 0 && s.rows < rows })
	w.do(t, "import")
	w.between(t, "import, run again,", func(s state) bool { return s.rows == rows && s.customers == rows && s.rendered == 0 })

	w.kill(t, "render", beforePut, 0)
	w.between(t, "render, killed before the first pack,", func(s state) bool { return s.rendered == 0 })
	w.kill(t, "render", afterPut, 1)
	w.between(t, "render, killed behind a pack,", func(s state) bool { return s.rendered < rows })
	w.kill(t, "render", afterMark, 2)
	w.between(t, "render, killed behind a commit,", func(s state) bool { return s.rendered > 0 && s.rendered < rows })
	for _, again := range []string{"render", "generate", "import", "render"} { // the second time everything is there
		w.do(t, again)
	}
	if got := w.stateOf(t); got.checksum != want.checksum {
		t.Errorf("killed and run again, a month comes to\n%s, undisturbed to\n%s", got, want)
	}
	if w.left(t) != files {
		t.Errorf("the files have changed")
	}
}

// between looks at the state between two runs.
func (w *world) between(t *testing.T, what string, good func(state) bool) {
	t.Helper()
	if s := w.stateOf(t); !good(s) {
		t.Errorf("%s leaves %s", what, s)
	}
}
