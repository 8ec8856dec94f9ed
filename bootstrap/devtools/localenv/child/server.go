package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrRunning says that Restart was called on a server that has not been
// stopped or killed.
var ErrRunning = errors.New("the server is still running")

// ServerOptions say how a server runs.
type ServerOptions struct {
	// Name stands in errors, as in "PostgreSQL".
	Name string
	// Child is how its child runs. Its Spec is encoded anew at each start: a
	// pointer hands over what has changed.
	Child Options
	// Ready reads what the child said when it was ready (Process.Info). It returns
	// the process id of what serves: the child, or a process that it supervises.
	Ready func(*Process) (serving int, err error)
	// Temporary is a directory that Stop removes, or a start that fails; empty:
	// none.
	Temporary string
}

// Server is a child that serves until it is stopped or killed, and can then be
// started again. Packages that run a server embed it. Its methods are not safe
// for concurrent use.
type Server struct {
	options ServerOptions
	process *Process
	serving int
}

// StartServer starts a server and returns when it is ready.
func StartServer(ctx context.Context, options ServerOptions) (*Server, error) {
	s := &Server{options: options}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", options.Name, err), s.removeTemporary())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	process, err := Start(ctx, s.options.Child)
	if err != nil {
		return err
	}
	serving, err := s.options.Ready(process)
	if err != nil {
		return errors.Join(err, process.Stop())
	}
	s.process, s.serving = process, serving
	return nil
}

// PID is the process id of what serves.
func (s *Server) PID() int { return s.serving }

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

func (s *Server) isDone() bool {
	select {
	case <-s.Done():
		return true
	default:
		return false
	}
}

// Kill ends the server with SIGKILL, as a crash does; Restart brings it back.
// Killing a server that has ended is fine.
func (s *Server) Kill() error {
	if s.isDone() {
		return nil
	}
	if err := syscall.Kill(s.serving, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill %s: %w", s.options.Name, err)
	}
	<-s.Done()
	return nil
}

// Shutdown ends the server in an orderly way and keeps its data for Restart.
func (s *Server) Shutdown() error {
	if err := s.process.Stop(); err != nil {
		return fmt.Errorf("stop %s: %w", s.options.Name, err)
	}
	return nil
}

// Restart starts a server that was killed or shut down again, on the same port
// and data. The error is ErrRunning if it was neither.
func (s *Server) Restart(ctx context.Context) error {
	if !s.isDone() {
		return fmt.Errorf("restart %s: %w", s.options.Name, ErrRunning)
	}
	if err := s.start(ctx); err != nil {
		return fmt.Errorf("restart %s: %w", s.options.Name, err)
	}
	return nil
}

// Stop ends the server in an orderly way and removes what was temporary.
func (s *Server) Stop() error {
	return errors.Join(s.Shutdown(), s.removeTemporary())
}

func (s *Server) removeTemporary() error {
	if s.options.Temporary == "" {
		return nil
	}
	return os.RemoveAll(s.options.Temporary)
}
