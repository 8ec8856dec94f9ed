package apachekafka

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func (b *Broker) start(ctx context.Context, log io.Writer) (err error) {
	b.Server, err = child.StartServer(ctx, child.ServerOptions{
		Name:  fmt.Sprintf("Kafka broker %d", b.spec.Node),
		Child: child.Options{Role: role, Spec: b.spec, Log: log},
		Ready: func(process *child.Process) (int, error) {
			var ready info
			err := process.Info(&ready)
			return ready.PID, err
		},
	})
	return err
}

// Addr is the broker's address (host:port).
func (b *Broker) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.spec.Port))
}

// LogFile is where the broker's own log lies.
func (b *Broker) LogFile() string { return b.spec.logFile() }
