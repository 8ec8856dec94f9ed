package httpclient

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/porttest"
)

// face is one of the two ways in which the client is used.
type face func(ctx context.Context, c *Client, method, address string, header map[string]string, body string) (Answer, error)

func byExchange(ctx context.Context, c *Client, method, address string, header map[string]string, body string) (Answer, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Answer{}, err
	}
	host, err := c.Host(u)
	if err != nil {
		return Answer{}, err
	}
	call := host.NewCall(method, u.RequestURI())
	for name, value := range header {
		call.Header(name, value)
	}
	call.Body = append(call.Body, body...)
	return host.Exchange(ctx, call)
}

func byDo(ctx context.Context, c *Client, method, address string, header map[string]string, body string) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, address, bytes.NewBufferString(body))
	if err != nil {
		return Answer{}, err
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := c.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	answer.Body, err = io.ReadAll(response.Body)
	answer.Truncated = errors.Is(err, ErrUnknown)
	return answer, nil
}

// each runs a test over both faces, without TLS and with it.
func each(t *testing.T, test func(t *testing.T, call face, secure bool)) {
	t.Helper()
	t.Parallel()
	for name, call := range map[string]face{"exchange": byExchange, "do": byDo} {
		for _, secure := range []bool{false, true} {
			t.Run(name+map[bool]string{true: " over TLS", false: " over TCP"}[secure], func(t *testing.T) {
				t.Parallel()
				test(t, call, secure)
			})
		}
	}
}

// server answers requests with whatever bytes a test wants.
type server struct {
	url         string
	client      *tls.Config
	calls       atomic.Int32
	connections atomic.Int32
	mu          sync.Mutex
	requests    []*http.Request
	bodies      []string
}

// newServer starts a server that ends with the test. answer writes the answer to the n-th call, from 1, and reports whether
// the connection stays open.
func newServer(t *testing.T, secure bool, answer func(w io.Writer, n int) bool) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &server{url: "http://" + listener.Addr().String()}
	if secure {
		var settings *tls.Config
		settings, s.client = porttest.Certificate()
		listener, s.url = tls.NewListener(listener, settings), "https://"+listener.Addr().String()
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.connections.Add(1)
			go s.serve(conn, answer)
		}
	}()
	return s
}

func (s *server) serve(conn net.Conn, answer func(w io.Writer, n int) bool) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	for {
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.requests, s.bodies = append(s.requests, request), append(s.bodies, string(body))
		s.mu.Unlock()
		if !answer(conn, int(s.calls.Add(1))) {
			return
		}
	}
}

func newClient(t testing.TB, settings *tls.Config) *Client {
	t.Helper()
	c := New(Config{CallDeadline: 20 * time.Second, TLS: settings})
	t.Cleanup(c.Close)
	return c
}

// writes returns an answer that is always the same.
func writes(answer string) func(io.Writer, int) bool {
	return func(w io.Writer, _ int) bool {
		_, err := io.WriteString(w, answer)
		return err == nil
	}
}

// seen returns the request of the n-th call, from 0, and its body.
func (s *server) seen(n int) (*http.Request, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[n], s.bodies[n]
}
