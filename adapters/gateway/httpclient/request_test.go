package httpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestMethodsPathsHostsAndFieldsDifferFromCallToCall(t *testing.T) {
	each(t, func(t *testing.T, call face, secure bool) {
		first, second := newServer(t, secure, writes(accepted)), newServer(t, secure, writes(accepted))
		if secure { // both certificates are the same
			second.client = first.client
		}
		client := newClient(t, first.client)
		for _, c := range []struct{ method, base, target, signature, body string }{
			{http.MethodPost, first.url, "/2010-04-01/Messages.json", "a=1", "To=1"},
			{http.MethodGet, first.url, "/messages?key=2026-11%2F1%2F0%2F0&page=2", "a=2", ""},
			{http.MethodPut, second.url, "/groups/17", "a=3", `{"to":"1"}`},
			{http.MethodGet, second.url, "/", "a=4", ""},
			{http.MethodPost, second.url, "/token", "a=5", ""},
			{http.MethodDelete, first.url, "/messages/17", "a=6", ""},
		} {
			answer, err := call(t.Context(), client, c.method, c.base+c.target, map[string]string{"Authorization": c.signature}, c.body)
			if err != nil || string(answer.Body) != "ok" {
				t.Fatalf("%s %s: %+v, %v", c.method, c.target, answer, err)
			}
			s := first
			if c.base == second.url {
				s = second
			}
			got, body := s.seen(int(s.calls.Load()) - 1)
			if got.Method != c.method || got.RequestURI != c.target || got.Header.Get("Authorization") != c.signature || body != c.body || "http://"+got.Host != strings.Replace(c.base, "https", "http", 1) {
				t.Errorf("got %s %s of %s, %v, %q; want %+v", got.Method, got.RequestURI, got.Host, got.Header, body, c)
			}
			if length := got.Header.Get("Content-Length"); (length == "") != (c.method == http.MethodGet) {
				t.Errorf("%s: Content-Length %q", c.method, length)
			}
		}
		if first.connections.Load() != 1 || second.connections.Load() != 1 {
			t.Errorf("%d and %d connections, want one each", first.connections.Load(), second.connections.Load())
		}
	})
}

func TestAnAnswerToHeadHasNoBody(t *testing.T) {
	each(t, func(t *testing.T, call face, secure bool) {
		s := newServer(t, secure, writes("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"))
		client := newClient(t, s.client)
		for range 2 {
			if answer, err := call(t.Context(), client, http.MethodHead, s.url+"/a", nil, ""); err != nil || answer.Status != 200 || len(answer.Body) != 0 {
				t.Errorf("%+v, %v", answer, err)
			}
		}
		if s.connections.Load() != 1 {
			t.Errorf("%d connections", s.connections.Load())
		}
	})
}

func TestWhatWouldBreakTheRequestIsNotSent(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, writes(accepted))
	client := newClient(t, nil)
	u, _ := url.Parse(s.url)
	host, err := client.Host(u)
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]func() *Call{
		"method": func() *Call { return host.NewCall("POST /x", "/") },
		"none":   func() *Call { return host.NewCall("", "/") },
		"tunnel": func() *Call { return host.NewCall(http.MethodConnect, "/") },
		"target": func() *Call { return host.NewCall(http.MethodPost, "/a b") },
		"line":   func() *Call { return host.NewCall(http.MethodPost, "/a\r\nX: y") },
		"other":  func() *Call { return host.NewCall(http.MethodPost, "http://other.test/") },
		"name":   func() *Call { c := host.NewCall(http.MethodPost, "/"); c.Header("X: y\r\nZ", "1"); return c },
		"value":  func() *Call { c := host.NewCall(http.MethodPost, "/"); c.Header("X", "1\r\nZ: 2"); return c },
		"key":    func() *Call { c := host.NewCall(http.MethodPost, "/"); c.Key("X", "1\n"); return c },
	} {
		if _, err := host.Exchange(t.Context(), broken()); !errors.Is(err, ErrNotMade) || !errors.Is(err, errUnusable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, strings.NewReader("x"))
	for name, broken := range map[string]func(r *http.Request){
		"scheme": func(r *http.Request) { r.URL.Scheme = "ftp" },
		"host":   func(r *http.Request) { r.URL.Host = "" },
		"header": func(r *http.Request) { r.Header.Set("X", "1\r\nY: 2") },
		"opaque": func(r *http.Request) { r.URL.Opaque = "/a\r\nX: y" },
		"Host":   func(r *http.Request) { r.Host = "a\r\nX: y" },
		"length": func(r *http.Request) { r.ContentLength = 7 },
		"body":   func(r *http.Request) { r.Body = io.NopCloser(failing{}) },
	} {
		r := request.Clone(t.Context())
		r.Body = io.NopCloser(strings.NewReader("x"))
		broken(r)
		if _, err := client.Do(r); !errors.Is(err, ErrNotMade) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.calls.Load() != 0 || s.connections.Load() != 0 {
		t.Errorf("%d calls on %d connections", s.calls.Load(), s.connections.Load())
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The client decides about the connection, whatever the request of a library says of it.
func TestDoWritesTheFieldsOfTheConnectionItself(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, writes(accepted))
	client := newClient(t, nil)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/a?b=c#d", strings.NewReader("body"))
	request.Host = "email.example.com"
	for name := range ownFields {
		request.Header.Set(name, "100-continue")
	}
	request.Header.Add("X-Two", "1")
	request.Header.Add("X-Two", "2")
	closed := false
	request.Body = struct {
		io.Reader
		io.Closer
	}{request.Body, closing{&closed}}
	if _, err := client.Do(request); err != nil || !closed {
		t.Fatalf("%v; the body is closed: %t", err, closed)
	}
	got, body := s.seen(0)
	if got.Host != "email.example.com" || got.RequestURI != "/a?b=c" || body != "body" || len(got.Header["X-Two"]) != 2 {
		t.Errorf("got %s %s %v %q", got.Host, got.RequestURI, got.Header, body)
	}
	for name := range ownFields {
		if value := got.Header.Get(name); value != "" && name != "Content-Length" {
			t.Errorf("%s: %s", name, value)
		}
	}
}

type closing struct{ done *bool }

func (c closing) Close() error {
	*c.done = true
	return nil
}

func TestARecordCountsWhatMayHaveLeft(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, func(w io.Writer, n int) bool {
		_, _ = io.WriteString(w, accepted)
		return n < 2
	})
	client := newClient(t, nil)
	ctx, record := WithRecord(t.Context())
	ended, cancel := context.WithCancel(ctx)
	cancel()
	for _, c := range []struct {
		ctx     context.Context
		address string
		want    int
	}{{ended, s.url, 0}, {ctx, "http://gateway.invalid", 0}, {ctx, s.url, 1}, {ended, s.url, 1}, {ctx, s.url, 2}} {
		_, _ = byDo(c.ctx, client, http.MethodPost, c.address, nil, "x")
		if record.Sent() != c.want {
			t.Errorf("%s: %d, want %d", c.address, record.Sent(), c.want)
		}
	}
}

func TestAClosedClientKeepsNoConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, writes(accepted))
	client := New(Config{CallDeadline: time.Minute})
	client.Close()
	for range 2 {
		if _, err := byExchange(t.Context(), client, http.MethodPost, s.url, nil, "x"); err != nil {
			t.Error(err)
		}
	}
	if s.connections.Load() != 2 {
		t.Errorf("%d connections", s.connections.Load())
	}
}
