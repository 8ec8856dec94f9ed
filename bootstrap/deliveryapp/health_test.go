package deliveryapp_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
)

func TestTheHealthCheckAsksTheProcessOfThisMachine(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"status":"waiting","down":["database"]}`))
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	server := httptest.NewServer(mux)
	defer server.Close()
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	for name, c := range map[string]struct {
		addr string
		args []string
		code int
		says string
	}{
		"not ready":      {"0.0.0.0:" + port, nil, core.ExitFailed, "database"},
		"alive":          {"127.0.0.1:" + port, []string{"--alive"}, core.ExitOK, ""},
		"nobody there":   {"127.0.0.1:1", nil, core.ExitFailed, "does not answer"},
		"no server":      {"", nil, core.ExitFailed, "is none"},
		"none by name":   {"none", nil, core.ExitFailed, "is none"},
		"not an address": {"9464", nil, core.ExitUsage, "BALSONG_HEALTH_ADDR"},
	} {
		t.Setenv("BALSONG_HEALTH_ADDR", c.addr)
		var said bytes.Buffer
		if code := cli.Run(t.Context(), deliveryapp.NewCommand(), append([]string{"health"}, c.args...), &said, &said); code != c.code || !strings.Contains(said.String(), c.says) {
			t.Errorf("%s: it ends with %d and says %q", name, code, said.String())
		}
	}
}

func TestAnEmptyHealthAddressMeansNoServer(t *testing.T) {
	t.Setenv("BALSONG_HEALTH_ADDR", "")
	c, err := config.LoadPart[config.Health](t.Context())
	if err != nil || c.Addr != config.NoServer {
		t.Fatalf("the address is %q (%v)", c.Addr, err)
	}
}
