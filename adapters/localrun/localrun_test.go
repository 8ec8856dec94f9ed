//go:build unix

package localrun_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/localrun"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/key"
)

// program plays the dispatcher: it writes down its order, says its process id, and waits in a file named after it for its exit code.
const program = `#!/bin/sh
trap 'kill -KILL $!; exit 130' TERM
printf '%s' "$1" > "$PLACE/$$.order"
mkfifo "$PLACE/$$.end"
echo "$PLACE/$$.end"
echo >"$PLACE/began"
(exec >/dev/null 2>&1; read -r code < "$PLACE/$$.end") & # it does not hold the output
wait $!
read -r code < "$PLACE/$$.code"
exit "$code"
`

// written is an order as the program writes it down.
type written struct {
	Month  int
	Linger bool
	By     port.Act
}

// rig is a starter of that program.
type rig struct {
	testing.TB
	*localrun.Starter
	place, dir string
	began      chan struct{} // a run has said its first word
}

func newRig(t testing.TB) rig {
	t.Helper()
	r := rig{TB: t, place: t.TempDir(), dir: filepath.Join(t.TempDir(), "runs"), began: make(chan struct{}, 64)}
	r.listen()
	file := filepath.Join(r.place, "dispatcher")
	if err := os.WriteFile(file, []byte(program), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	r.Starter = localrun.New(localrun.Config{Program: file, Dir: r.dir, Command: func(order port.RunOrder) ([]string, []string) {
		text, _ := json.Marshal(written{int(order.Month), order.Linger, order.By}) // plain values
		return []string{string(text)}, []string{"PLACE=" + r.place}
	}})
	return r
}

// listen hears each run's first word.
func (r rig) listen() {
	r.Helper()
	if err := syscall.Mkfifo(filepath.Join(r.place, "began"), 0o600); err != nil {
		r.Fatal(err)
	}
	words, err := os.OpenFile(filepath.Join(r.place, "began"), os.O_RDWR, 0)
	if err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { _ = words.Close() })
	go func() {
		for word := make([]byte, 1); ; r.began <- struct{}{} {
			if _, err := words.Read(word); err != nil {
				return
			}
		}
	}()
}

// fifo is where a run waits for its end.
func (r rig) fifo(handle string) (path string) {
	r.Helper()
	for {
		said, err := os.ReadFile(filepath.Join(r.dir, handle+".log"))
		if err == nil && strings.HasSuffix(string(said), "\n") {
			return strings.TrimSpace(string(said))
		}
		select {
		case <-r.began:
		case <-time.After(20 * time.Second):
			r.Fatal("the run does not begin: ", err)
		}
	}
}

func (r rig) End(handle string, code int) {
	r.Helper()
	fifo := r.fifo(handle)
	if err := os.WriteFile(strings.TrimSuffix(fifo, ".end")+".code", fmt.Appendln(nil, code), 0o600); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(fifo, []byte("now\n"), 0o600); err != nil {
		r.Fatal(err)
	}
	r.ended(handle)
}

// ended waits until a run no longer holds the lock of its output.
func (r rig) ended(handle string) port.StartedRun {
	r.Helper()
	output, err := os.Open(filepath.Join(r.dir, handle+".log"))
	if err == nil {
		err = errors.Join(syscall.Flock(int(output.Fd()), syscall.LOCK_SH), output.Close())
	}
	run, lookErr := r.Look(context.Background(), handle)
	if err := errors.Join(err, lookErr); err != nil || run.Status != port.StartEnded {
		r.Fatalf("%+v: %v", run, err)
	}
	return run
}

func (r rig) Orders() (orders []port.RunOrder) {
	r.Helper()
	outputs, _ := filepath.Glob(filepath.Join(r.dir, "*.log"))
	for _, output := range outputs {
		r.fifo(strings.TrimSuffix(filepath.Base(output), ".log"))
	}
	files, _ := filepath.Glob(filepath.Join(r.place, "*.order"))
	for _, file := range files {
		var order written
		text, err := os.ReadFile(file)
		if err := errors.Join(err, json.Unmarshal(text, &order)); err != nil {
			r.Fatal(err)
		}
		orders = append(orders, port.RunOrder{Month: key.Month(order.Month), Linger: order.Linger, By: order.By})
	}
	return orders
}

func TestProcessesKeepThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.RunStarter(t, func(t testing.TB) porttest.StarterRig {
		r := newRig(t)
		return porttest.StarterRig{Starter: r.Starter, End: r.End, Orders: r.Orders}
	})
}

func TestNobodyFindsARunEndedThatBegins(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 40 {
		token := fmt.Sprint("begins-", i)
		started := make(chan struct{})
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for known := false; !known; {
					run, err := r.Look(context.Background(), token)
					if err == nil && run.Status == port.StartEnded {
						t.Errorf("%+v", run)
					}
					select {
					case <-started:
						known = true
					default:
						known = err == nil
					}
				}
			})
		}
		_, err := r.Start(t.Context(), token, port.RunOrder{})
		close(started)
		all.Wait()
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range 40 {
		r.End(fmt.Sprint("begins-", i), 0)
	}
}

// The operator's command ends, and so does its session.
func TestARunOutlivesTheShellThatStartedIt(t *testing.T) {
	t.Parallel()
	if place := os.Getenv("BALSONG_TEST_STARTER"); place != "" { // the operator's command
		r := newRig(t)
		starter := localrun.New(localrun.Config{Program: filepath.Join(place, "dispatcher"), Dir: filepath.Join(place, "runs"), Command: func(port.RunOrder) ([]string, []string) {
			return []string{"{}"}, []string{"PLACE=" + place}
		}})
		run, err := starter.Start(t.Context(), "outlives", port.RunOrder{})
		if err != nil || r.dir == "" {
			t.Fatal(err)
		}
		fmt.Println("started", run.Handle)
		return
	}
	r := newRig(t)
	shell := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestARunOutlivesTheShellThatStartedIt$")
	shell.Env = append(shell.Environ(), "BALSONG_TEST_STARTER="+r.place)
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	_ = syscall.Kill(-shell.Process.Pid, syscall.SIGHUP) // as a terminal that goes; nobody may be left to hear it
	r.dir = filepath.Join(r.place, "runs")
	r.Starter = localrun.New(localrun.Config{Dir: r.dir})
	if run, err := r.Look(t.Context(), "outlives"); err != nil || run.Status != port.StartRunning {
		t.Fatalf("%+v: %v", run, err)
	}
	r.End("outlives", 3)
	if run, err := r.Look(t.Context(), "outlives"); err != nil || run.ExitCode != 3 {
		t.Errorf("%+v: %v", run, err)
	}
}

func TestASignalToTheGroupEndsARunInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run, err := r.Start(t.Context(), "signal", port.RunOrder{})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(r.fifo(run.Handle)), ".end"))
	if err != nil {
		t.Fatal(err)
	}
	group, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-group, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if run := r.ended(run.Handle); run.ExitCode != 130 {
		t.Errorf("%+v", run)
	}
}

func TestAKilledSupervisorLeavesARunThatEndedWithoutACode(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run, err := r.Start(t.Context(), "killed", port.RunOrder{})
	if err != nil {
		t.Fatal(err)
	}
	pid, _ := strconv.Atoi(strings.TrimSuffix(filepath.Base(r.fifo(run.Handle)), ".end"))
	group, err := syscall.Getpgid(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(-group, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if run := r.ended(run.Handle); run.ExitCode != -1 || run.Ended == "" {
		t.Errorf("%+v", run)
	}
}

func TestOfRunsThatHaveEndedTheNewestAndThoseOfADayAreKept(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	running, err := r.Start(t.Context(), "running", port.RunOrder{})
	if err != nil {
		t.Fatal(err)
	}
	r.fifo(running.Handle)
	now := time.Now()
	for i := range 110 {
		written := now.Add(-48 * time.Hour).Add(-time.Duration(i) * time.Minute)
		if i < 105 { // of today
			written = now.Add(-time.Duration(i) * time.Minute)
		}
		output := filepath.Join(r.dir, fmt.Sprintf("old-%03d.log", i))
		for _, name := range []string{output, strings.TrimSuffix(output, ".log") + ".exit"} {
			if err := errors.Join(os.WriteFile(name, []byte("0\n"), 0o600), os.Chtimes(name, written, written)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chtimes(running.Output, time.Time{}, now.AddDate(-1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	second, err := r.Start(t.Context(), "second", port.RunOrder{})
	if err != nil {
		t.Fatal(err)
	}
	outputs, _ := filepath.Glob(filepath.Join(r.dir, "*.log"))
	codes, _ := filepath.Glob(filepath.Join(r.dir, "*.exit"))
	_, gone := r.Look(t.Context(), "old-109")
	if len(outputs) != 107 || len(codes) != 105 || !errors.Is(gone, port.ErrNotFound) {
		t.Errorf("%d outputs and %d exit codes are left, of the oldest: %v", len(outputs), len(codes), gone)
	}
	r.End(running.Handle, 0)
	r.End(second.Handle, 0)
}

func TestWhatCannotBeStartedIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	missing := localrun.New(localrun.Config{Program: filepath.Join(r.place, "none"), Dir: r.dir})
	if _, err := missing.Start(t.Context(), "a", port.RunOrder{}); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), "none") {
		t.Errorf("no program: %v", err)
	}
	for _, token := range []string{"", "../a", "a b", strings.Repeat("a", 37)} {
		if _, err := r.Start(t.Context(), token, port.RunOrder{}); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%q: %v", token, err)
		}
	}
}
