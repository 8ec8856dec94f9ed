// Package child runs parts of a program in processes of their own that are
// this same binary again, and that never outlive the process that started
// them, however it ends.
//
// A package that needs such a process registers a role in a package variable
// and starts it with Start. The program calls Main first of all in its main
// function (tests: in TestMain), which returns at once in an ordinary process
// and does the role's work, never returning, in a child.
//
// Three things end a child: its parent closes the pipe that is the child's
// standard input (Stop, and also every death of the parent), a SIGTERM or
// SIGINT, and on Linux the kernel's parent-death signal.
package child

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// roleVariable names the role in a child's environment. Nothing else reads it,
// and Main takes it out before the role begins, so that what a child starts is
// not taken for a child.
const roleVariable = "BALSONG_CHILD"

// reportFD is the file descriptor, beside the standard three, on which a child
// tells its parent that it is ready.
const reportFD = 3

// stopWord is what Stop says before it closes the pipe, unlike a parent that
// dies.
const stopWord = "stop\n"

// Run is a role's work. It returns when ctx ends or when the work cannot go
// on; an error before Link.Ready is what Start returns.
type Run func(ctx context.Context, link *Link) error

var roles = map[string]Run{}

// Role is the name of work that Main can do in a child.
type Role string

// Register makes run the work of a role. Call it in a package variable only:
// the table is not locked.
func Register(name string, run Run) Role {
	if _, taken := roles[name]; taken {
		panic("child: role registered twice: " + name)
	}
	roles[name] = run
	return Role(name)
}

// Main does a child's work and exits if this process is a child; otherwise it
// returns at once.
func Main() {
	name, isChild := os.LookupEnv(roleVariable)
	if !isChild {
		return
	}
	if err := os.Unsetenv(roleVariable); err != nil {
		fail(fmt.Errorf("child: %w", err))
	}
	run, known := roles[name]
	if !known {
		fail(fmt.Errorf("child: this program has no role %q: it was started with %s set by hand or by another version", name, roleVariable))
	}
	link := newLink()
	ctx, cancel := link.context()
	err := run(ctx, link)
	cancel()
	if err != nil && !(link.isReady && errors.Is(err, context.Canceled)) {
		link.fail(err)
		fail(err)
	}
	os.Exit(0)
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Link is a child's connection with its parent.
type Link struct {
	in      *bufio.Reader
	report  *os.File
	isReady bool
	asked   atomic.Bool
}

// message is what a child tells its parent, once.
type message struct {
	Ready json.RawMessage `json:"ready,omitempty"`
	Error string          `json:"error,omitempty"`
}

func newLink() *Link {
	// The descriptor must not reach what the child starts: the parent takes the end
	// of the report pipe for the end of the child.
	syscall.CloseOnExec(reportFD)
	return &Link{in: bufio.NewReader(os.Stdin), report: os.NewFile(reportFD, "report")}
}

// context ends with a signal.
func (l *Link) context() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 4)
	// SIGPIPE is caught so that a log line for a parent that is gone does not
	// end the child before it has stopped what it runs.
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		for s := range signals {
			if s != syscall.SIGPIPE {
				cancel()
			}
		}
	}()
	return ctx, cancel
}

// Spec reads the specification given to Start into v and then begins to watch
// the parent: the context it returns ends when the parent is gone. Call it once,
// first.
func (l *Link) Spec(ctx context.Context, v any) (context.Context, error) {
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("child: read the specification: %w", err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		return nil, fmt.Errorf("child: decode the specification: %w", err)
	}
	watched, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		rest, _ := io.ReadAll(l.in)
		l.asked.Store(string(rest) == stopWord)
	}()
	return watched, nil
}

// Abandoned tells, when the role's context has ended, whether the parent ended
// without calling Stop: then nobody else will clear up what is temporary.
func (l *Link) Abandoned() bool { return !l.asked.Load() }

// Ready tells the parent that the part works; Start then returns, and info is
// what Process.Info gives.
func (l *Link) Ready(info any) error {
	payload, err := json.Marshal(info)
	if err != nil {
		return fmt.Errorf("child: encode the ready message: %w", err)
	}
	l.isReady = true
	return l.send(message{Ready: payload})
}

func (l *Link) fail(err error) {
	if !l.isReady {
		_ = l.send(message{Error: err.Error()})
	}
}

func (l *Link) send(m message) error {
	if err := json.NewEncoder(l.report).Encode(m); err != nil {
		return fmt.Errorf("child: report to the parent: %w", err)
	}
	return nil
}
