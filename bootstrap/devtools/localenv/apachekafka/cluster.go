// Package apachekafka runs Apache Kafka in KRaft mode, one Java process for
// each broker, for tests of what an imitation cannot show: replicas, acks,
// rebalances, and the death of brokers. The brokers end with the process that
// started them.
//
// It needs Java, and Maven once to fetch the broker. A program that uses it
// calls child.Main first in its main function.
package apachekafka

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// clusterIDFile, in the data directory, holds the cluster's id.
const clusterIDFile = "cluster-id"

// defaultHeapMiB is enough for a million small records in a test.
const defaultHeapMiB = 320

// Options say which cluster to start. The zero value is one temporary broker
// on free ports.
type Options struct {
	// DataDir keeps the data and the logs (broker-N/kafka.log). Empty: a temporary
	// directory, removed by Stop, or by the brokers' supervisors when this process
	// dies.
	DataDir string
	// CacheDir is where the jars lie; empty: cachedir.Default.
	CacheDir string
	// Brokers is the number of brokers, each also a controller; 0: one.
	Brokers int
	// HeapMiB bounds the heap of each broker; 0: 320 MiB.
	HeapMiB int
	// Settings are further broker settings, by name.
	Settings map[string]string
	// Java are further options of each broker's Java process.
	Java []string
	// Log receives what the supervisors say; nil discards it.
	Log io.Writer
}

// Cluster is a set of brokers. Its methods are not safe for concurrent use.
type Cluster struct {
	dir       string
	temporary bool
	brokers   []*Broker
}

// Broker is one broker of a cluster. Its methods are not safe for concurrent
// use.
type Broker struct {
	*child.Server // nil until it has started
	spec          spec
}

// Start starts a cluster and returns when every broker accepts connections.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	if _, err := javaProgram(); err != nil {
		return nil, err
	}
	c, err := plan(options)
	if err != nil {
		return nil, fmt.Errorf("start Apache Kafka: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for _, broker := range c.brokers {
		group.Go(func() {
			if err := broker.start(ctx, options.Log); err != nil {
				cancel(err) // the others would wait for this one
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Apache Kafka: %w", err), c.Stop())
	}
	return c, nil
}

// plan makes the directories and gives every broker its ports.
func plan(options Options) (c *Cluster, err error) {
	c = &Cluster{}
	cache := options.CacheDir
	if cache == "" {
		if cache, err = cachedir.Default(); err != nil {
			return nil, err
		}
	}
	count := max(1, options.Brokers)
	ports, err := child.FreePorts(2 * count)
	if err != nil {
		return nil, err
	}
	if c.dir, err = filepath.Abs(options.DataDir); err != nil {
		return nil, err
	}
	if options.DataDir == "" {
		c.temporary = true
		if c.dir, err = os.MkdirTemp("", "balsong-kafka-"); err != nil {
			return nil, err
		}
	}
	clusterID, err := readClusterID(c.dir)
	if err != nil {
		return nil, err
	}
	voters := make([]string, count)
	for i := range voters {
		voters[i] = fmt.Sprintf("%d@127.0.0.1:%d", i+1, ports[count+i])
	}
	for i := range count {
		b := &Broker{spec: spec{
			CacheDir: cache, Dir: filepath.Join(c.dir, fmt.Sprintf("broker-%d", i+1)),
			ClusterID: clusterID, Node: i + 1, Port: ports[i], Controller: ports[count+i],
			Voters: strings.Join(voters, ","), Brokers: count, HeapMiB: options.HeapMiB,
			Temporary: c.temporary, Settings: options.Settings, Java: options.Java,
		}}
		if b.spec.HeapMiB == 0 {
			b.spec.HeapMiB = defaultHeapMiB
		}
		if err := os.MkdirAll(b.spec.Dir, 0o700); err != nil {
			return nil, err
		}
		c.brokers = append(c.brokers, b)
	}
	return c, nil
}

// readClusterID reads the cluster's id, or makes one: 16 random bytes, as
// Kafka writes them.
func readClusterID(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	file := filepath.Join(dir, clusterIDFile)
	content, err := os.ReadFile(file)
	if err == nil {
		return string(content), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	id[0] &= 0x7f        // an id that begins with "-" would look like an option
	text := base64.RawURLEncoding.EncodeToString(id)
	return text, os.WriteFile(file, []byte(text), 0o600)
}

// Addrs are the brokers' addresses (host:port).
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.brokers))
	for i, broker := range c.brokers {
		addrs[i] = broker.Addr()
	}
	return addrs
}

// Brokers are the brokers in the order of their node ids, which begin at 1.
func (c *Cluster) Brokers() []*Broker { return c.brokers }

// Stop ends all brokers and removes what was temporary.
func (c *Cluster) Stop() error {
	errs := make([]error, len(c.brokers))
	var group sync.WaitGroup
	for i, broker := range c.brokers {
		if broker.Server != nil {
			group.Go(func() { errs[i] = broker.Shutdown() })
		}
	}
	group.Wait()
	err := errors.Join(errs...)
	if c.temporary {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}
