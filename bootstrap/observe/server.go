package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Server answers /healthz (the process is alive), /readyz (the components it stands on answer) and /metrics.
type Server struct {
	addr string
	http *http.Server
}

// NewServer returns a server for an address; it listens with Start. down lists the components that are waited for.
func NewServer(addr string, metrics *Metrics, down func() []string) *Server {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive", nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if components := down(); len(components) > 0 {
			answer(w, http.StatusServiceUnavailable, "waiting", components)
			return
		}
		answer(w, http.StatusOK, "ready", nil)
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return &Server{addr: addr, http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}}
}

func answer(w http.ResponseWriter, status int, word string, down []string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { //nolint:errchkjson // the client is gone: no one is left to answer
		Status string   `json:"status"`
		Down   []string `json:"down,omitempty"`
	}{word, down})
}

// Start listens. An empty address means no server.
func (s *Server) Start(ctx context.Context) error {
	if s.addr == "" {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.addr)
	if err != nil {
		return fmt.Errorf("health server: %w (set BALSONG_HEALTH_ADDR to another address, or to none)", err)
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			_ = listener.Close()
		}
	}()
	return nil
}

// Stop ends the server.
func (s *Server) Stop(ctx context.Context) error { return s.http.Shutdown(ctx) }
