package httpclient

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pipes is a listener whose connections cost no file descriptor.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.waiting <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.waiting:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// The connections are pipes: so many sockets are more than a process may open on many machines.
func TestThousandsOfCallsRunAtOnce(t *testing.T) {
	t.Parallel()
	const calls = 2_000
	var arrived, answered atomic.Int32
	full := make(chan struct{})
	listener := &pipes{waiting: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == calls {
			close(full)
		}
		select {
		case <-full:
			fmt.Fprint(w, "ok")
		case <-r.Context().Done():
		}
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	client := newClient(t, nil)
	client.open = listener.dial
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if answer, err := byExchange(t.Context(), client, http.MethodPost, "http://pipe.test", nil, "x"); err == nil && string(answer.Body) == "ok" {
				answered.Add(1)
			}
		})
	}
	all.Wait()
	if answered.Load() != calls || arrived.Load() != calls {
		t.Errorf("%d arrived, %d were answered, want %d", arrived.Load(), answered.Load(), calls)
	}
}
