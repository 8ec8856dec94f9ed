// Package embeds3 runs an S3 server of its own (versitygw on plain files) for
// the demo, development and tests, in a process that ends with the one that
// started it.
//
// A program that uses it calls child.Main first in its main function.
package embeds3

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// Region is the region that the server says it is in; requests are signed for
// it.
const Region = "ap-northeast-2"

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
	*child.Server
	spec spec
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
	how := child.ServerOptions{
		Name:  "the S3 server",
		Child: child.Options{Role: role, Spec: &s.spec, Log: options.Log},
		Ready: func(process *child.Process) (int, error) {
			var ready info
			err := process.Info(&ready)
			s.spec.Port = ready.Port
			return process.PID(), err
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

// Endpoint is the server's URL.
func (s *Server) Endpoint() string {
	return "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.spec.Port))
}

// AccessKey is the id of the account.
func (s *Server) AccessKey() string { return s.spec.AccessKey }

// SecretKey is the account's secret.
func (s *Server) SecretKey() string { return s.spec.SecretKey }
