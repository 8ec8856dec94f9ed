package httpclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const accepted = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

func TestAnswersOfEveryKind(t *testing.T) {
	each(t, func(t *testing.T, call face, secure bool) {
		html := "<html><h1>502 Bad Gateway</h1></html>"
		for name, c := range map[string]struct {
			answer    string
			closes    bool
			status    int // 0: ErrUnknown
			body      string
			truncated bool
		}{
			"a redirect":                     {answer: "HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", status: 307},
			"another redirect":               {answer: "HTTP/1.1 301 Moved Permanently\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", status: 301},
			"early hints":                    {answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + accepted, status: 200, body: "ok"},
			"early hints alone":              {answer: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", closes: true},
			"early hints without end":        {answer: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1<<12)},
			"another protocol":               {answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", status: 101},
			"chunks":                         {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", status: 200, body: "ok"},
			"chunks that stop":               {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n", closes: true},
			"chunks without end":             {answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("8\r\n        \r\n", 8<<10), status: 200, body: strings.Repeat(" ", defaultMaxBody), truncated: true},
			"50 MB":                          {answer: "HTTP/1.1 400 Bad Request\r\nContent-Length: 52428800\r\n\r\n" + strings.Repeat("a", 1<<20), status: 400, body: strings.Repeat("a", defaultMaxBody), truncated: true},
			"as much as is read":             {answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", defaultMaxBody) + strings.Repeat("a", defaultMaxBody), status: 200, body: strings.Repeat("a", defaultMaxBody)},
			"a page":                         {answer: fmt.Sprintf("HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s", len(html), html), status: 502, body: html},
			"no body":                        {answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204},
			"an empty body":                  {answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", status: 200},
			"a body up to the end":           {answer: "HTTP/1.1 200 OK\r\n\r\nok", closes: true, status: 200, body: "ok"},
			"HTTP/1.0":                       {answer: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok"},
			"a body that breaks off":         {answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", closes: true},
			"a header that breaks off":       {answer: "HTTP/1.1 200 OK\r\nContent-", closes: true},
			"a header without end":           {answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: 0123456789\r\n", 8<<10)},
			"a status line without end":      {answer: "HTTP/1.1 200 " + strings.Repeat("O", 128<<10)},
			"no status":                      {answer: "HTTP/1.1 ok\r\n\r\n", closes: true},
			"another language":               {answer: "220 mail.example.com ESMTP\r\n", closes: true},
			"nothing":                        {closes: true},
			"two lengths":                    {answer: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok.", closes: true},
			"a negative length":              {answer: "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", closes: true},
			"HTTP/2 that nobody asked for":   {answer: "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"},
			"one that wants to be left":      {answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", status: 200, body: "ok"},
			"two answers":                    {answer: accepted + accepted, status: 200, body: "ok"},
			"an answer and half a second":    {answer: accepted + "HTTP/1.1 2", status: 200, body: "ok"},
			"a status that HTTP has not got": {answer: "HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", status: 999},
		} {
			s := newServer(t, secure, func(w io.Writer, _ int) bool {
				_, err := io.WriteString(w, c.answer)
				return err == nil && !c.closes
			})
			client := newClient(t, s.client)
			for n := int32(1); n <= 2; n++ { // the second one on the connection of the first, if that was kept
				got, err := call(t.Context(), client, http.MethodPost, s.url, nil, "x")
				if got.Status != c.status || string(got.Body) != c.body || got.Truncated != c.truncated || errors.Is(err, ErrUnknown) != (c.status == 0) || errors.Is(err, ErrNotMade) {
					t.Errorf("%s, call %d: %d with %d bytes, %v", name, n, got.Status, len(got.Body), err)
				}
				if s.calls.Load() != n {
					t.Errorf("%s: %d calls after %d", name, s.calls.Load(), n)
				}
			}
		}
	})
}

func TestAnAnswerInHTTP2SaysSo(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, writes("\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	if _, err := byExchange(t.Context(), newClient(t, nil), http.MethodPost, s.url, nil, "x"); !errors.Is(err, errHTTP2) || !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestARequestIsNeverRepeated(t *testing.T) {
	each(t, func(t *testing.T, call face, secure bool) {
		s := newServer(t, secure, func(w io.Writer, n int) bool {
			if n > 1 {
				return false // it hangs up
			}
			_, err := io.WriteString(w, accepted)
			return err == nil
		})
		client, key := newClient(t, s.client), map[string]string{"Idempotency-Key": "k"}
		_, _ = call(t.Context(), client, http.MethodPost, s.url, key, "x") // net/http would repeat what follows, on a connection that was kept
		if _, err := call(t.Context(), client, http.MethodPost, s.url, key, "x"); !errors.Is(err, ErrUnknown) || s.calls.Load() != 2 || s.connections.Load() != 1 {
			t.Errorf("%v after %d calls on %d connections, want unknown after 2 on 1", err, s.calls.Load(), s.connections.Load())
		}
	})
}

func TestConnectionsAreKeptUntilTheServerClosesThem(t *testing.T) {
	each(t, func(t *testing.T, call face, secure bool) {
		s := newServer(t, secure, func(w io.Writer, n int) bool {
			_, _ = io.WriteString(w, accepted)
			return n%3 != 0
		})
		client := newClient(t, s.client)
		for answered := 0; answered < 9; answered++ {
			_, err := call(t.Context(), client, http.MethodPost, s.url, nil, "x")
			if errors.Is(err, ErrUnknown) && answered > 0 && answered%3 == 0 { // the end of the connection came after the look at it
				_, err = call(t.Context(), client, http.MethodPost, s.url, nil, "x")
			}
			if err != nil {
				t.Fatalf("call %d: %v", answered, err)
			}
		}
		if s.connections.Load() != 3 {
			t.Errorf("%d connections, want 3", s.connections.Load())
		}
	})
}

func TestAHandshakeThatFailsIsNoCall(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, "ok")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about our handshake
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	trusting := newClient(t, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	for name, call := range map[string]face{"exchange": byExchange, "do": byDo} {
		if _, err := call(t.Context(), newClient(t, nil), http.MethodPost, server.URL, nil, "x"); !errors.Is(err, ErrNotMade) {
			t.Errorf("%s, an unknown certificate: %v", name, err)
		}
		calls.Store(0)
		for range 3 {
			if _, err := call(t.Context(), trusting, http.MethodPost, server.URL, nil, "x"); err != nil {
				t.Errorf("%s, a known certificate: %v", name, err)
			}
		}
	}
	if server.CloseClientConnections(); calls.Load() != 3 {
		t.Errorf("%d calls", calls.Load())
	}
	server.Close()
	if _, err := byDo(t.Context(), trusting, http.MethodPost, server.URL, nil, "x"); err == nil {
		t.Error("nobody there, and yet an answer")
	}
}

func TestANameThatDoesNotResolveIsNoCall(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]face{"exchange": byExchange, "do": byDo} {
		if _, err := call(t.Context(), newClient(t, nil), http.MethodPost, "http://gateway.invalid", nil, "x"); !errors.Is(err, ErrNotMade) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheIdleTimeOutEndsConnections(t *testing.T) {
	t.Parallel()
	s := newServer(t, false, writes(accepted))
	client := New(Config{CallDeadline: time.Minute, IdleTimeout: time.Nanosecond})
	defer client.Close()
	for range 3 {
		if _, err := byExchange(t.Context(), client, http.MethodPost, s.url, nil, "x"); err != nil {
			t.Error(err)
		}
	}
	if s.connections.Load() != 3 {
		t.Errorf("%d connections, want 3", s.connections.Load())
	}
}
