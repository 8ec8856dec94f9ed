package apachekafka

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/balsong/balsong/bootstrap/local/child"
)

func (b *Broker) launch(ctx context.Context) error {
	b.options.Spec = b.spec
	process, err := child.Start(ctx, b.options)
	if err != nil {
		return err
	}
	if err := process.Info(&b.info); err != nil {
		return errors.Join(err, process.Stop())
	}
	b.process = process
	return nil
}

// Addr is the broker's address (host:port).
func (b *Broker) Addr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.spec.Port))
}

// PID is the process id of the broker's Java process.
func (b *Broker) PID() int { return b.info.PID }

// LogFile is where the broker's own log lies.
func (b *Broker) LogFile() string { return b.spec.logFile() }

// Kill ends the broker with SIGKILL, as a crash does; Restart brings it back.
func (b *Broker) Kill() error {
	if err := syscall.Kill(b.info.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill Kafka broker %d: %w", b.spec.Node, err)
	}
	<-b.process.Done()
	return nil
}

// Shutdown ends the broker in an orderly way and keeps its data for Restart.
func (b *Broker) Shutdown() error {
	if b.process == nil {
		return nil
	}
	if err := b.process.Stop(); err != nil {
		return fmt.Errorf("stop Kafka broker %d: %w", b.spec.Node, err)
	}
	return nil
}

// Restart starts a broker that was killed or shut down again, on the same port
// and data.
func (b *Broker) Restart(ctx context.Context) error {
	select {
	case <-b.process.Done():
	default:
		return ErrRunning
	}
	if err := b.launch(ctx); err != nil {
		return fmt.Errorf("restart Kafka broker %d: %w", b.spec.Node, err)
	}
	return nil
}
