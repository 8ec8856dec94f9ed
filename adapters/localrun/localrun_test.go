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
	"syscall"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/localrun"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/key"
)

// program plays the dispatcher: it writes down its order, says its process id, and waits in a file named after it for its exit code.
const program = `#!/bin/sh
trap 'exit 130' TERM
printf '%s' "$1" > "$PLACE/$$.order"
mkfifo "$PLACE/$$.end"
echo "$PLACE/$$.end"
read -r code < "$PLACE/$$.end" &
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
}

func newRig(t testing.TB) rig {
	t.Helper()
	r := rig{TB: t, place: t.TempDir(), dir: filepath.Join(t.TempDir(), "runs")}
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

// eventually waits until something is so.
func (r rig) eventually(what string, so func() bool) {
	r.Helper()
	waittest.Wait{Every: 5 * time.Millisecond}.Until(r, what, so)
}

// fifo is where a run waits for its end.
func (r rig) fifo(handle string) (path string) {
	r.Helper()
	r.eventually("the run's first word", func() bool {
		said, err := os.ReadFile(filepath.Join(r.dir, handle+".log"))
		path = strings.TrimSpace(string(said))
		return err == nil && strings.HasSuffix(string(said), "\n")
	})
	return path
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

func (r rig) ended(handle string) (run port.StartedRun) {
	r.Helper()
	r.eventually("its end", func() bool {
		run, _ = r.Look(context.Background(), handle)
		return run.Status == port.StartEnded
	})
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
