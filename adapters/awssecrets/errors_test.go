package awssecrets_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/application/port"
)

// answering is a service that says one thing to everything.
func answering(t *testing.T, status int, code string) (*awssecrets.Secrets, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"__type":"` + code + `","message":"user arn:aws:iam::1:user/x"}`))
	}))
	t.Cleanup(server.Close)
	return reaching(t, server.URL), &asked
}

func reaching(t *testing.T, endpoint string) *awssecrets.Secrets {
	t.Helper()
	secrets, err := awssecrets.New(t.Context(), awssecrets.Config{
		Region: region, Endpoint: endpoint, AccessKey: "test", SecretKey: "test", Tries: 2, CallTimeout: 10 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	return secrets
}

func TestWhatAWSSaysDecidesWhetherToAskAgain(t *testing.T) {
	t.Parallel()
	for code, c := range map[string]struct {
		status int
		kind   error
		says   string
	}{
		"AccessDeniedException":       {400, awssecrets.ErrRefused, "allow ssm:GetParameter"},
		"UnrecognizedClientException": {400, awssecrets.ErrRefused, "does not accept the account's credentials"},
		"ExpiredTokenException":       {400, awssecrets.ErrRefused, "expired"},
		"ParameterNotFound":           {400, awssecrets.ErrRefused, "does not exist there"},
		"SomethingForbidden":          {403, awssecrets.ErrRefused, "may not use it"},
		"ThrottlingException":         {400, port.ErrUnavailable, "ThrottlingException"},
		"InternalServerError":         {500, port.ErrUnavailable, "InternalServerError"},
		"ServiceUnavailable":          {503, port.ErrUnavailable, "ServiceUnavailable"},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			secrets, asked := answering(t, c.status, code)
			_, err := secrets.Parameter(t.Context(), "/balsong/x")
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "/balsong/x in "+region) {
				t.Fatalf("%v", err)
			}
			if again := asked.Load() > 1; again != errors.Is(c.kind, port.ErrUnavailable) {
				t.Errorf("asked %d times", asked.Load())
			}
		})
	}
}

func TestAServiceThatIsNotThereIsAnOutage(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if _, err := reaching(t, "http://"+listener.Addr().String()).Secret(t.Context(), "balsong/db"); !errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
}

func TestTheCallersEndIsNoOutage(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // unread, it would hide that the client has gone
		stop()
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	if _, err := reaching(t, server.URL).Parameter(ctx, "/x"); !errors.Is(err, context.Canceled) || errors.Is(err, port.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
}
