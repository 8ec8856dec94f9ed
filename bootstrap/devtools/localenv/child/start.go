package child

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Nobody is the user and group id that an unprivileged child of root gets.
const Nobody = 65534

// stopGrace bounds an orderly end before Stop kills.
const stopGrace = 30 * time.Second

// ErrEnded says that a child ended before it was ready, without a reason of
// its own: its log has one.
var ErrEnded = errors.New("the process ended before it was ready")

// Options say how a child runs.
type Options struct {
	// Role is the work to do.
	Role Role
	// Spec goes to the child as JSON (Link.Spec).
	Spec any
	// Log receives what the child writes to standard output and error;
	// nil discards it. A file is handed over and outlives this process.
	Log io.Writer
	// Unprivileged makes a child of root run as Nobody. Not root: no effect.
	Unprivileged bool
	// Home, if set, is the child's HOME, TMPDIR and working directory.
	Home string
}

// Process is a running child.
type Process struct {
	command *Command
	stdin   io.WriteCloser
	info    json.RawMessage
	stop    sync.Once
}

// Start runs a child and returns when it says that it is ready. The end of ctx
// before that ends the child.
func Start(ctx context.Context, options Options) (*Process, error) {
	cmd := exec.Command(executable())
	cmd.Env = append(os.Environ(), roleVariable+"="+string(options.Role))
	cmd.Stdout, cmd.Stderr = options.Log, options.Log
	cmd.WaitDelay = time.Second // something that the child left may keep the log open
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if options.Home != "" {
		cmd.Dir = options.Home
		cmd.Env = append(cmd.Env, "HOME="+options.Home, "TMPDIR="+options.Home, "PWD="+options.Home)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", options.Role, err)
	}
	report, reportEnd, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", options.Role, err)
	}
	defer func() { _ = report.Close() }()
	cmd.ExtraFiles = []*os.File{reportEnd}
	if options.Unprivileged && os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: Nobody, Gid: Nobody}
		program, err := openExecutable(cmd)
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", options.Role, err)
		}
		defer func() { _ = program.Close() }()
	}
	command, err := Spawn(cmd, syscall.SIGTERM)
	_ = reportEnd.Close()
	if err != nil {
		_ = stdin.Close()
		return nil, fmt.Errorf("start %s: %w", options.Role, startHint(err, options))
	}
	p := &Process{command: command, stdin: stdin}
	if err := p.handshake(ctx, stdin, report, options.Spec); err != nil {
		_ = p.Stop()
		return nil, fmt.Errorf("start %s: %w", options.Role, err)
	}
	return p, nil
}

// startHint explains the one refusal that a user can do something about.
func startHint(err error, options Options) error {
	if options.Unprivileged && os.Geteuid() == 0 && (errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EACCES)) {
		return fmt.Errorf("run it as user id %d, as it refuses to run as root: %w (run this program as another user than root)", Nobody, err)
	}
	return err
}

func (p *Process) handshake(ctx context.Context, stdin io.Writer, report *os.File, spec any) error {
	// A child that ends before it reads may still have said why: what it reports decides.
	if err := json.NewEncoder(stdin).Encode(spec); err != nil && !errors.Is(err, syscall.EPIPE) && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("hand over the specification: %w", err)
	}
	stopWatching := context.AfterFunc(ctx, func() { _ = report.SetReadDeadline(time.Unix(1, 0)) })
	defer stopWatching()
	var m message
	if err := json.NewDecoder(report).Decode(&m); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("not ready in time: %w", context.Cause(ctx))
		}
		return ErrEnded
	}
	if m.Error != "" {
		return errors.New(m.Error)
	}
	p.info = m.Ready
	return nil
}

// Info decodes what the child said when it was ready.
func (p *Process) Info(v any) error {
	if err := json.Unmarshal(p.info, v); err != nil {
		return fmt.Errorf("child: decode the ready message: %w", err)
	}
	return nil
}

// PID is the child's process id.
func (p *Process) PID() int { return p.command.PID() }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.command.Done() }

// Err is what exec.Cmd.Wait returned: how the child ended. Call it after Done.
func (p *Process) Err() error { return p.command.Err() }

// Stop ends the child in an orderly way and waits for its end; a child that
// does not end within 30 s is killed, and that is an error. Stopping twice is
// fine.
func (p *Process) Stop() error {
	p.stop.Do(func() {
		_, _ = io.WriteString(p.stdin, stopWord)
		_ = p.stdin.Close()
	})
	timer := time.NewTimer(stopGrace)
	defer timer.Stop()
	select {
	case <-p.Done():
		return nil
	case <-timer.C:
		_ = p.Kill()
		return fmt.Errorf("process %d did not end within %s and was killed", p.PID(), stopGrace)
	}
}

// Kill ends the child at once (SIGKILL) and waits for its end.
func (p *Process) Kill() error {
	err := p.command.Signal(syscall.SIGKILL)
	<-p.Done()
	p.stop.Do(func() { _ = p.stdin.Close() })
	return err
}
