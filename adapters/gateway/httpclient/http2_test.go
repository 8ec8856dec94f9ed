package httpclient

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/balsong/balsong/application/porttest"
)

// protocols starts a server of net/http that speaks the given protocols over TLS, and counts its calls.
func protocols(t *testing.T, spoken *http.Protocols) (address string, client *tls.Config, calls *atomic.Int32) {
	t.Helper()
	calls = new(atomic.Int32)
	settings, client := porttest.Certificate()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		fmt.Fprint(w, r.Proto)
	}))
	server.Config.Protocols = spoken
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.EnableHTTP2 = spoken.HTTP2()
	server.TLS = settings
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, client, calls
}

func TestAServerThatPrefersHTTP2IsCalledByHTTP11(t *testing.T) {
	t.Parallel()
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	spoken.SetHTTP2(true)
	address, settings, calls := protocols(t, spoken)
	client := newClient(t, settings)
	for name, call := range map[string]face{"exchange": byExchange, "do": byDo} {
		if answer, err := call(t.Context(), client, http.MethodPost, address, nil, "x"); err != nil || string(answer.Body) != "HTTP/1.1" {
			t.Errorf("%s: %q, %v", name, answer.Body, err)
		}
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
	library := &http.Client{Transport: &http.Transport{TLSClientConfig: settings.Clone(), ForceAttemptHTTP2: true}}
	defer library.CloseIdleConnections()
	response, err := library.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("the server speaks %s to net/http: the test tests nothing", response.Proto)
	}
}

// A server that insists on another protocol ends the handshake with an alert (RFC 7301, 3.2).
func TestAServerThatSpeaksNoHTTP11IsNotCalled(t *testing.T) {
	t.Parallel()
	settings, trusting := porttest.Certificate()
	settings.NextProtos = []string{"only-h2"} // crypto/tls takes "h2" alone for "HTTP/1.1 as well"
	listener, err := tls.Listen("tcp", "127.0.0.1:0", settings)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	client := newClient(t, trusting)
	for name, call := range map[string]face{"exchange": byExchange, "do": byDo} {
		_, err := call(t.Context(), client, http.MethodPost, "https://"+listener.Addr().String(), nil, "x")
		if !errors.Is(err, ErrNotMade) || !strings.Contains(err.Error(), "does not speak HTTP/1.1") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := check(t, client, "https://"+listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "does not speak HTTP/1.1") {
		t.Errorf("the check says %v", err)
	}
}

// A server that speaks HTTP/2 without having been asked is found out by Check. A call to it is not accepted, and is not
// taken for not made either: a byte has left.
func TestAServerThatSpeaksHTTP2UnaskedIsFoundOut(t *testing.T) {
	t.Parallel()
	spoken := new(http.Protocols)
	spoken.SetHTTP2(true)
	address, settings, calls := protocols(t, spoken)
	client := newClient(t, settings)
	if _, err := byExchange(t.Context(), client, http.MethodPost, address, nil, "x"); err == nil || calls.Load() != 0 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	if err := check(t, client, address); err == nil {
		t.Error("the check finds nothing")
	}
}

func TestCheckSendsNothing(t *testing.T) {
	t.Parallel()
	spoken := new(http.Protocols)
	spoken.SetHTTP1(true)
	address, settings, calls := protocols(t, spoken)
	if err := check(t, newClient(t, settings), address); err != nil || calls.Load() != 0 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	s := newServer(t, true, writes(accepted)) // without ALPN
	if err := check(t, newClient(t, s.client), s.url); err != nil || s.calls.Load() != 0 {
		t.Errorf("%v after %d calls", err, s.calls.Load())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if err := check(t, newClient(t, nil), "http://"+listener.Addr().String()); err == nil {
		t.Error("nobody listens, and the check finds nothing")
	}
}

func check(t *testing.T, client *Client, address string) error {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	host, err := client.Host(u)
	if err != nil {
		t.Fatal(err)
	}
	return host.Check(t.Context())
}
