package kafka

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// dialer opens the sockets of one sarama client and can close all of them: the only way to end a call of sarama, which
// takes no context. It does not wrap the sockets, because sarama looks for *net.TCPConn to notice a dead one. Safe for
// concurrent use.
type dialer struct {
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	conns []net.Conn
}

func newDialer(cluster Cluster) *dialer {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dialer{dial: cluster.dial, ctx: ctx, cancel: cancel}
	if d.dial == nil {
		d.dial = (&net.Dialer{Timeout: cluster.Timeouts.Dial, KeepAlive: 15 * time.Second}).DialContext
	}
	return d
}

// Dial implements the dialer that sarama asks for.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.dial(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ctx.Err(); err != nil {
		conn.Close()
		return nil, err
	}
	open := d.conns[:0]
	for _, old := range d.conns {
		if isOpen(old) {
			open = append(open, old)
		}
	}
	clear(d.conns[len(open):])
	d.conns = append(open, conn)
	return conn, nil
}

// abort closes every socket and refuses new ones.
func (d *dialer) abort() {
	d.cancel()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, conn := range d.conns {
		conn.Close()
	}
	d.conns = nil
}

// pause is how long sarama waits before it tries again: hardly, once its connections are cut, because nothing can succeed
// any more and somebody waits for the end.
func (d *dialer) pause(usual time.Duration) time.Duration {
	if d.ctx.Err() != nil {
		return time.Millisecond
	}
	return usual
}

// isOpen reports whether a socket was not closed on our side.
func isOpen(conn net.Conn) bool {
	raw, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	control, err := raw.SyscallConn()
	return err == nil && control.Control(func(uintptr) {}) == nil
}
