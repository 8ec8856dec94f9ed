// Package embedpg runs a PostgreSQL server of its own for the demo,
// development and tests: PostgreSQL 18, downloaded once, or the programs of an
// installed version. It needs neither Docker nor root, works for root too (the
// server then runs as an unprivileged user, as it refuses to run as root), and
// ends with the process that started it, however that ends.
//
// A program that uses it calls child.Main first in its main function.
package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/balsong/balsong/bootstrap/local/cachedir"
	"github.com/balsong/balsong/bootstrap/local/child"
)

// User is the superuser that URL names.
const User = "postgres"

// ErrRunning says that Restart was called on a server that has not been
// stopped or killed.
var ErrRunning = errors.New("the PostgreSQL server is still running")

// Options say which server to start. The zero value is a temporary PostgreSQL
// 18 on a free port.
type Options struct {
	// DataDir keeps the data (below it, one directory per major version). Empty:
	// a temporary directory, removed by Stop, or by the server's own process when
	// this one dies. Root needs one that an unprivileged user can enter.
	DataDir string
	// CacheDir is where the downloaded programs lie; empty: cachedir.Default.
	CacheDir string
	// BinDir holds initdb and postgres of an installed version instead, such as
	// /usr/lib/postgresql/15/bin. Nothing is downloaded then.
	BinDir string
	// Port to listen on at 127.0.0.1; 0: a free one, kept by Restart.
	Port int
	// Durable makes commits survive a power cut (fsync). Without it they still
	// survive the death of any process.
	Durable bool
	// Settings are further server settings, by name.
	Settings map[string]string
	// Log receives the server's log; nil discards it.
	Log io.Writer
}

// Server is a PostgreSQL server in processes of its own. Its methods are not
// safe for concurrent use.
type Server struct {
	options   child.Options
	spec      spec
	process   *child.Process
	info      info
	temporary bool
}

// Start starts a server and returns when it answers queries.
func Start(ctx context.Context, options Options) (*Server, error) {
	s := &Server{spec: spec{
		BinDir: options.BinDir, Port: options.Port,
		Durable: options.Durable, Settings: options.Settings,
	}}
	if err := s.prepareDirectories(options); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s.options = child.Options{Role: role, Log: options.Log, Unprivileged: true, Home: s.spec.DataDir}
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.removeTemporary())
	}
	return s, nil
}

func (s *Server) launch(ctx context.Context) error {
	s.options.Spec = s.spec
	process, err := child.Start(ctx, s.options)
	if err != nil {
		return err
	}
	if err := process.Info(&s.info); err != nil {
		return errors.Join(err, process.Stop())
	}
	s.process = process
	s.spec.Port = s.info.Port
	return nil
}

func (s *Server) prepareDirectories(options Options) error {
	var err error
	if options.DataDir == "" {
		s.temporary, s.spec.Temporary = true, true
		s.spec.DataDir, err = os.MkdirTemp(child.TempDir(), "balsong-postgres-")
	} else if s.spec.DataDir, err = filepath.Abs(options.DataDir); err == nil {
		s.spec.DataDir, err = place(s.spec.DataDir)
	}
	if err != nil {
		return err
	}
	if err := ownDirectory(s.spec.DataDir, 0o700); err != nil {
		return err
	}
	if options.BinDir != "" {
		return nil
	}
	cache := options.CacheDir
	if cache == "" {
		if cache, err = cachedir.Default(); err != nil {
			return err
		}
	}
	s.spec.CacheDir = filepath.Join(cache, "postgresql")
	if os.Geteuid() == 0 {
		if err := child.Reachable(s.spec.CacheDir); err != nil {
			return fmt.Errorf("%w: set %s to another directory", err, cachedir.Variable)
		}
	}
	return ownDirectory(s.spec.CacheDir, 0o755)
}

// ownDirectory makes dir and gives it to the user that the server runs as.
func ownDirectory(dir string, mode os.FileMode) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Chown(dir, child.Nobody, child.Nobody); err != nil {
		return err
	}
	return os.Chmod(dir, mode)
}

// URL is the superuser's connection URL for a database; "postgres" always
// exists.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(User, s.info.Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.info.Port)), Path: "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Port is the port at 127.0.0.1.
func (s *Server) Port() int { return s.info.Port }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.info.PID }

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Kill ends the server with SIGKILL, as a crash does; Restart brings it back.
func (s *Server) Kill() error {
	if err := syscall.Kill(s.info.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill PostgreSQL: %w", err)
	}
	<-s.process.Done()
	return nil
}

// Shutdown ends the server in an orderly way and keeps the data for Restart.
func (s *Server) Shutdown() error {
	if err := s.process.Stop(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	return nil
}

// Restart starts a server that was killed or shut down again, on the same port
// and data.
func (s *Server) Restart(ctx context.Context) error {
	select {
	case <-s.process.Done():
	default:
		return ErrRunning
	}
	if err := s.launch(ctx); err != nil {
		return fmt.Errorf("restart PostgreSQL: %w", err)
	}
	return nil
}

// Stop ends the server and removes what was temporary.
func (s *Server) Stop() error {
	return errors.Join(s.Shutdown(), s.removeTemporary())
}

func (s *Server) removeTemporary() error {
	if !s.temporary {
		return nil
	}
	return os.RemoveAll(s.spec.DataDir)
}
