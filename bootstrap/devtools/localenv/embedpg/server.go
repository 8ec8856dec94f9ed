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
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// User is the superuser that URL names.
const User = "postgres"

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
	*child.Server
	spec spec
	info info
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
	how := child.ServerOptions{
		Name:  "PostgreSQL",
		Child: child.Options{Role: role, Spec: &s.spec, Log: options.Log, Unprivileged: true, Home: s.spec.DataDir},
		Ready: func(process *child.Process) (int, error) {
			err := process.Info(&s.info)
			s.spec.Port = s.info.Port
			return s.info.PID, err
		},
	}
	if s.spec.Temporary {
		how.Temporary = s.spec.DataDir
	}
	var err error
	s.Server, err = child.StartServer(ctx, how)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) prepareDirectories(options Options) error {
	var err error
	if options.DataDir == "" {
		s.spec.Temporary = true
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
