// Package embeds3 runs an S3 server of its own (versitygw on plain files) for
// the demo, development and tests, in a process that ends with the one that
// started it.
//
// A program that uses it calls child.Main first in its main function.
package embeds3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/balsong/balsong/bootstrap/local/child"
)

// Region is the region that the server says it is in; requests are signed for
// it.
const Region = "ap-northeast-2"

// ErrRunning says that Restart was called on a server that has not been
// stopped or killed.
var ErrRunning = errors.New("the S3 server is still running")

// Options say how the server runs. The zero value is a temporary store on a
// free port.
type Options struct {
	// DataDir keeps the objects. Empty: a temporary directory, removed by Stop,
	// or by the server's own process when this one dies.
	DataDir string
	// Port to listen on at 127.0.0.1; 0: a free one, kept by Restart.
	Port int
	// AccessKey and SecretKey of the only account; empty: made up.
	AccessKey, SecretKey string
	// Log receives the server's log; nil discards it.
	Log io.Writer
}

// Server is an S3 server in a process of its own. Buckets are addressed by
// path. Its methods are not safe for concurrent use.
type Server struct {
	options child.Options
	spec    spec
	process *child.Process
}

// Start starts a server and returns when it answers.
func Start(ctx context.Context, options Options) (*Server, error) {
	s := &Server{spec: spec{
		Port: options.Port, Region: Region,
		AccessKey: options.AccessKey, SecretKey: options.SecretKey,
	}}
	if s.spec.AccessKey == "" {
		s.spec.AccessKey = "balsong"
	}
	if s.spec.SecretKey == "" {
		s.spec.SecretKey = rand.Text()
	}
	if err := s.prepareDirectory(options.DataDir); err != nil {
		return nil, fmt.Errorf("start the S3 server: %w", err)
	}
	s.options = child.Options{Role: role, Log: options.Log}
	if err := s.launch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the S3 server: %w", err), s.removeTemporary())
	}
	return s, nil
}

func (s *Server) prepareDirectory(dir string) (err error) {
	if dir == "" {
		s.spec.Temporary = true
		s.spec.DataDir, err = os.MkdirTemp("", "balsong-s3-")
		return err
	}
	if s.spec.DataDir, err = filepath.Abs(dir); err != nil {
		return err
	}
	return os.MkdirAll(s.spec.DataDir, 0o700)
}

func (s *Server) launch(ctx context.Context) error {
	s.options.Spec = s.spec
	process, err := child.Start(ctx, s.options)
	if err != nil {
		return err
	}
	var ready info
	if err := process.Info(&ready); err != nil {
		return errors.Join(err, process.Stop())
	}
	s.process = process
	s.spec.Port = ready.Port
	return nil
}

// Endpoint is the server's URL.
func (s *Server) Endpoint() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.spec.Port))
}

// AccessKey is the id of the account.
func (s *Server) AccessKey() string { return s.spec.AccessKey }

// SecretKey is the account's secret.
func (s *Server) SecretKey() string { return s.spec.SecretKey }

// PID is the server's process id.
func (s *Server) PID() int { return s.process.PID() }

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.process.Done() }

// Kill ends the server with SIGKILL, as a crash does; Restart brings it back.
func (s *Server) Kill() error {
	if err := s.process.Kill(); err != nil {
		return fmt.Errorf("kill the S3 server: %w", err)
	}
	return nil
}

// Shutdown ends the server in an orderly way and keeps the data for Restart.
func (s *Server) Shutdown() error {
	if err := s.process.Stop(); err != nil {
		return fmt.Errorf("stop the S3 server: %w", err)
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
		return fmt.Errorf("restart the S3 server: %w", err)
	}
	return nil
}

// Stop ends the server and removes what was temporary.
func (s *Server) Stop() error {
	return errors.Join(s.Shutdown(), s.removeTemporary())
}

func (s *Server) removeTemporary() error {
	if !s.spec.Temporary {
		return nil
	}
	return os.RemoveAll(s.spec.DataDir)
}
