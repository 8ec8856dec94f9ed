package kafka_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// network stands between the adapter and the brokers: a TCP proxy for each broker, and what it does with the bytes.
type network struct {
	mu      sync.Mutex
	mode    mode
	changed chan struct{}
	conns   []net.Conn
	proxies map[string]string
	all     sync.WaitGroup
}

type mode int

const (
	works    mode = iota
	refuses       // no connection is accepted, those there are were cut
	stalls        // connections stay, no byte passes
	swallows      // requests pass, answers do not
)

// overNetwork returns the rig with a network of its own in between.
func overNetwork(t testing.TB, c rig) (rig, *network) {
	t.Helper()
	n := &network{changed: make(chan struct{}), proxies: make(map[string]string)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel()
		n.set(refuses)
		n.all.Wait()
	})
	c.Cluster = c.Through(func(dialling context.Context, kind, address string) (net.Conn, error) {
		via, err := n.proxy(ctx, address)
		if err != nil {
			return nil, err
		}
		return (&net.Dialer{}).DialContext(dialling, kind, via)
	})
	return c, n
}

func (n *network) set(m mode) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mode = m
	close(n.changed)
	n.changed = make(chan struct{})
	if m == refuses {
		n.cutLocked()
	}
}

// cut closes every connection there is.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cutLocked()
}

func (n *network) cutLocked() {
	for _, conn := range n.conns {
		conn.Close()
	}
	n.conns = nil
}

// proxy returns the address that leads to a broker.
func (n *network) proxy(ctx context.Context, broker string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mode == refuses {
		return "", errors.New("connection refused by the test's network")
	}
	if via, known := n.proxies[broker]; known {
		return via, nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	n.proxies[broker] = listener.Addr().String()
	n.all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", broker)
			if err != nil {
				client.Close()
				continue
			}
			n.mu.Lock()
			n.conns = append(n.conns, client, server)
			n.mu.Unlock()
			n.all.Go(func() { n.pass(ctx, server, client, false) })
			n.all.Go(func() { n.pass(ctx, client, server, true) })
		}
	})
	return n.proxies[broker], nil
}

// pass copies one direction.
func (n *network) pass(ctx context.Context, to, from net.Conn, answers bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		size, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !n.await(ctx, answers) {
			continue
		}
		if _, err := to.Write(buffer[:size]); err != nil && !errors.Is(err, io.EOF) {
			return
		}
	}
}

// await waits while the network stalls and tells whether bytes pass.
func (n *network) await(ctx context.Context, answers bool) bool {
	for {
		n.mu.Lock()
		mode, changed := n.mode, n.changed
		n.mu.Unlock()
		switch mode {
		case works:
			return true
		case swallows:
			return !answers
		case refuses:
			return false
		case stalls:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
