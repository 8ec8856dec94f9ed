// Package embedkafka runs a Kafka-compatible broker (kfake) inside this
// process, for the demo, development and quick tests. It has one node and no
// replication: what depends on replicas is tested with the package apachekafka.
package embedkafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// ErrRunning says that Restart was called on a broker that was not stopped.
var ErrRunning = errors.New("the Kafka broker is still running")

// Options say how the broker runs. The zero value keeps everything in memory
// on a free port.
type Options struct {
	// DataDir keeps topics, records and group offsets; empty: memory, which Stop
	// forgets.
	DataDir string
	// Port to listen on at 127.0.0.1; 0: a free one, kept by Restart.
	Port int
	// Durable makes an acknowledged record survive a power cut (fsync for each
	// batch). With DataDir it survives the death of the process in any case.
	Durable bool
	// Log receives the broker's warnings and errors; nil discards them.
	Log io.Writer
}

// Broker is a running broker. Its methods are not safe for concurrent use.
type Broker struct {
	options Options
	cluster *kfake.Cluster
	lock    *flock.Flock
	addrs   []string
}

// Start starts a broker; it accepts connections when Start returns. Topics are
// never made by accident: a client creates them.
func Start(options Options) (*Broker, error) {
	b := &Broker{options: options}
	if err := b.launch(); err != nil {
		return nil, fmt.Errorf("start the embedded Kafka broker: %w", err)
	}
	return b, nil
}

func (b *Broker) launch() (err error) {
	options := []kfake.Opt{kfake.Ports(b.options.Port)}
	if b.options.Log != nil {
		options = append(options, kfake.WithLogger(kfake.BasicLogger(b.options.Log, kfake.LogLevelWarn)))
	}
	if b.options.DataDir != "" {
		if b.lock, err = child.LockData(context.Background(), b.options.DataDir); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				_ = b.lock.Close()
			}
		}()
		options = append(options, kfake.DataDir(filepath.Join(b.options.DataDir, "kfake")))
		if b.options.Durable {
			options = append(options, kfake.SyncWrites())
		}
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		return err
	}
	b.cluster, b.addrs = cluster, cluster.ListenAddrs()
	_, port, err := net.SplitHostPort(b.addrs[0])
	if err == nil {
		b.options.Port, err = strconv.Atoi(port)
	}
	if err != nil {
		cluster.Close()
		return fmt.Errorf("address of the broker: %w", err)
	}
	return nil
}

// Addrs are the addresses (host:port) that clients begin with.
func (b *Broker) Addrs() []string { return slices.Clone(b.addrs) }

// Stop ends the broker; stopping twice is fine.
func (b *Broker) Stop() error {
	if b.cluster == nil {
		return nil
	}
	b.cluster.Close()
	b.cluster = nil
	if b.lock == nil {
		return nil
	}
	err := b.lock.Close()
	b.lock = nil
	return err
}

// Restart starts a stopped broker again, on the same port and data.
func (b *Broker) Restart() error {
	if b.cluster != nil {
		return ErrRunning
	}
	if err := b.launch(); err != nil {
		return fmt.Errorf("restart the embedded Kafka broker: %w", err)
	}
	return nil
}
