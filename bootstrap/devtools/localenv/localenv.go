// Package localenv starts what Balsong stands on (PostgreSQL, Kafka, S3) without
// Docker, for the demo, development and tests, and says where it listens.
//
// A program that uses it calls child.Main first in its main function.
package localenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embeds3"
)

// Choices of Options beside the existing servers that they can name.
const (
	// Embedded is a server of our own.
	Embedded = "embedded"
	// Kfake is the Kafka broker inside this process.
	Kfake = "kfake"
	// Apache is Apache Kafka in a Java process.
	Apache = "apache"
)

// Options say which components to start.
type Options struct {
	// Postgres is Embedded (also ""), the directory with the programs of an
	// installed PostgreSQL, or the superuser's URL of a server that runs already.
	Postgres string
	// Kafka is Kfake (also ""), Apache, or the addresses (host:port,…) of brokers
	// that run already.
	Kafka string
	// KafkaBrokers is the number of brokers where Kafka is Apache; 0: one.
	KafkaBrokers int
	// S3 is Embedded (also ""), or the URL of a server that runs already, for
	// which S3Access holds.
	S3 string
	// S3Access is how to sign in at an S3 server that runs already.
	S3Access S3Access
	// DataDir keeps all data, a directory for each part; empty: temporary.
	DataDir string
	// CacheDir is for downloads; empty: cachedir.Default.
	CacheDir string
	// Durable makes data survive a power cut, not only the death of processes.
	Durable bool
	// Log receives the logs of the components; nil discards them.
	Log io.Writer
}

// Set is the started components. Those that ran already are nil.
type Set struct {
	Postgres *embedpg.Server
	Kfake    *embedkafka.Broker
	Apache   *apachekafka.Cluster
	S3       *embeds3.Server

	options Options
}

// Start starts the components at the same time and returns when all answer. If one
// does not, the others are stopped again.
func Start(ctx context.Context, options Options) (*Set, error) {
	s := &Set{options: options.withDefaults()}
	if err := enterable(options.DataDir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	starts := []func(context.Context) error{s.startPostgres, s.startKafka, s.startS3}
	errs := make([]error, len(starts))
	var group sync.WaitGroup
	for i, start := range starts {
		group.Go(func() {
			if errs[i] = start(ctx); errs[i] != nil {
				cancel() // the others need not continue
			}
		})
	}
	group.Wait()
	if err := firstCause(errs); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// enterable makes the data directory before any part does: a part that makes it on the way to its own, for itself alone,
// would shut out PostgreSQL, which runs as another user where this one is root.
func enterable(dir string) error {
	if dir == "" {
		return nil
	}
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if err := errors.Join(os.MkdirAll(dir, 0o711), os.Chmod(dir, 0o711)); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	return nil
}

// firstCause leaves out the errors of starts that only ended because another
// one failed.
func firstCause(errs []error) error {
	var causes []error
	for _, err := range errs {
		if err != nil && !errors.Is(err, context.Canceled) {
			causes = append(causes, err)
		}
	}
	if len(causes) == 0 {
		return errors.Join(errs...)
	}
	return errors.Join(causes...)
}

func (o Options) withDefaults() Options {
	if o.Postgres == "" {
		o.Postgres = Embedded
	}
	if o.Kafka == "" {
		o.Kafka = Kfake
	}
	if o.S3 == "" {
		o.S3 = Embedded
	}
	return o
}

func (o Options) dataDir(part string) string {
	if o.DataDir == "" {
		return ""
	}
	return filepath.Join(o.DataDir, part)
}

func (s *Set) startPostgres(ctx context.Context) (err error) {
	if isURL(s.options.Postgres) {
		return nil
	}
	options := embedpg.Options{
		DataDir: s.options.dataDir("postgres"), CacheDir: s.options.CacheDir,
		Durable: s.options.Durable, Log: s.options.Log,
	}
	if s.options.Postgres != Embedded {
		options.BinDir = s.options.Postgres
	}
	s.Postgres, err = embedpg.Start(ctx, options)
	return err
}

func (s *Set) startKafka(ctx context.Context) (err error) {
	switch s.options.Kafka {
	case Kfake:
		s.Kfake, err = embedkafka.Start(embedkafka.Options{
			DataDir: s.options.dataDir("kfake"), Durable: s.options.Durable, Log: s.options.Log,
		})
	case Apache:
		s.Apache, err = apachekafka.Start(ctx, apachekafka.Options{
			DataDir: s.options.dataDir("kafka"), CacheDir: s.options.CacheDir,
			Brokers: s.options.KafkaBrokers, Log: s.options.Log,
		})
	default:
		if !strings.Contains(s.options.Kafka, ":") {
			err = fmt.Errorf("kafka %q: want %s, %s or addresses such as 127.0.0.1:9092", s.options.Kafka, Kfake, Apache)
		}
	}
	return err
}

func (s *Set) startS3(ctx context.Context) (err error) {
	if isURL(s.options.S3) {
		return nil
	}
	if s.options.S3 != Embedded {
		return fmt.Errorf("s3 %q: want %s or a URL such as http://127.0.0.1:9000", s.options.S3, Embedded)
	}
	s.S3, err = embeds3.Start(ctx, embeds3.Options{DataDir: s.options.dataDir("s3"), Log: s.options.Log})
	return err
}

func isURL(choice string) bool { return strings.Contains(choice, "://") }

// Stop ends what Start started, in reverse, and removes what was temporary.
func (s *Set) Stop() error {
	var errs []error
	if s.S3 != nil {
		errs = append(errs, s.S3.Stop())
	}
	if s.Apache != nil {
		errs = append(errs, s.Apache.Stop())
	}
	if s.Kfake != nil {
		errs = append(errs, s.Kfake.Stop())
	}
	if s.Postgres != nil {
		errs = append(errs, s.Postgres.Stop())
	}
	return errors.Join(errs...)
}
