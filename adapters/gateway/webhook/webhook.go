// Package webhook takes the requests by which providers report what became of messages.
package webhook

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// Receive stores reports. Where it fails the provider is asked to come again.
type Receive func(ctx context.Context, reports []report.Report) error

// Result is what became of a request.
type Result string

// The results.
const (
	Stored     Result = "stored"     // what it says is stored
	Forged     Result = "forged"     // it was not made by the provider
	Unreadable Result = "unreadable" // the provider made it, and it says nothing that is known
	TooLarge   Result = "too_large"
	Busy       Result = "busy"   // too many requests at once: the provider comes again
	Failed     Result = "failed" // it could not be stored: the provider comes again
)

// Results lists every result.
var Results = []Result{Stored, Forged, Unreadable, TooLarge, Busy, Failed}

// Defaults of Config.
const (
	DefaultMaxBody    = 2 << 20 // SNS posts 256 KiB, each byte of which JSON may write in several
	DefaultAtOnce     = 256
	DefaultMaxMemory  = 64 << 20
	DefaultTimeout    = 10 * time.Second
	DefaultRetryAfter = 30 * time.Second
)

// Config describes what a Handler takes.
type Config struct {
	Root      string                   // address by which providers reach the handler, as in https://feedback.example.com; signatures are over it
	Providers map[string]port.Reporter // by the name in the path
	Secrets   map[string]string        // of providers that sign nothing: the last part of their path; "": none
	Receive   Receive
	Observe   func(provider string, result Result, said port.Said, err error) // of each request; nil: nobody. err has no personal data
	MaxBody   int64                                                           // bytes of a request; default 2 MiB
	MaxMemory int64                                                           // bytes of all bodies together, beyond 32 KiB of each; default 64 MiB
	AtOnce    int                                                             // requests that are worked on at the same time, once they are read; default 256
	Timeout   time.Duration                                                   // of verifying and storing one: shorter than providers wait for an answer; default 10 s
	Now       func() time.Time
}

// Handler answers POST /reports/{provider} and /reports/{provider}/{secret}. A request is answered with 2xx once what it says is
// stored, so that a provider that repeats what was not answered loses nothing. GET /healthz tells a load balancer that requests are
// taken, whether or not they can be stored now. Safe for concurrent use.
type Handler struct {
	config Config
	mux    *http.ServeMux
	places chan struct{}
	memory atomic.Int64 // of bodies, as Config.MaxMemory counts it
}

// New returns a handler.
func New(c Config) *Handler {
	if c.MaxBody <= 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.AtOnce <= 0 {
		c.AtOnce = DefaultAtOnce
	}
	if c.MaxMemory <= 0 {
		c.MaxMemory = DefaultMaxMemory
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Observe == nil {
		c.Observe = func(string, Result, port.Said, error) {}
	}
	h := &Handler{config: c, mux: http.NewServeMux(), places: make(chan struct{}, c.AtOnce)}
	h.mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	h.mux.HandleFunc("POST /reports/{provider}", h.serve)
	h.mux.HandleFunc("POST /reports/{provider}/{secret}", h.serve)
	return h
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) serve(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("provider")
	reporter, known := h.config.Providers[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	if secret := h.config.Secrets[name]; subtle.ConstantTimeCompare([]byte(secret), []byte(r.PathValue("secret"))) != 1 {
		h.refuse(w, name, Forged, errSecret)
		return
	}
	body, held, result, err := h.read(http.MaxBytesReader(w, r.Body, h.config.MaxBody))
	defer h.memory.Add(-held)
	if result != "" {
		h.refuse(w, name, result, err)
		return
	}
	select { // a sender that is slow has held no place meanwhile
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		h.refuse(w, name, Busy, nil)
		return
	}
	err = outage.Guarded(func() error {
		h.take(w, r, name, reporter, body)
		return nil
	})
	if err != nil { // the library would log whoever connected, and end the connection
		h.refuse(w, name, Failed, err)
	}
}

func (h *Handler) take(w http.ResponseWriter, r *http.Request, name string, reporter port.Reporter, body []byte) {
	ctx, cancel := context.WithTimeout(r.Context(), h.config.Timeout)
	defer cancel()
	verifying, end := context.WithTimeout(ctx, h.config.Timeout/5*3) // the rest is left to store what it says
	defer end()
	said, err := reporter.Reports(verifying, port.Webhook{
		Method: r.Method, URL: h.config.Root + r.URL.RequestURI(), Header: r.Header, Body: body, Arrived: h.config.Now(),
	})
	switch {
	case errors.Is(err, port.ErrForged):
		h.refuse(w, name, Forged, err)
		return
	case errors.Is(err, port.ErrUnreadable):
		h.refuse(w, name, Unreadable, err)
		return
	case len(said.Reports) > 0:
		err = errors.Join(err, h.config.Receive(ctx, said.Reports))
	}
	if err != nil {
		h.refuse(w, name, Failed, err)
		return
	}
	h.config.Observe(name, Stored, said, nil)
	if len(said.Answer) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	_, _ = w.Write(said.Answer) // a provider that has gone repeats its request
}

var (
	errSecret    = errors.New("the last part of the address is not this provider's secret (is it the BALSONG_…_WEBHOOK_SECRET that this process has?)")
	errTruncated = errors.New("the request ended before its body did, or came too slowly")
)

// statuses are what a provider is answered. Those of the 500s ask it to come again.
var statuses = map[Result]int{
	Forged: http.StatusForbidden, Unreadable: http.StatusUnprocessableEntity, TooLarge: http.StatusRequestEntityTooLarge,
	Busy: http.StatusServiceUnavailable, Failed: http.StatusServiceUnavailable,
}

func (h *Handler) refuse(w http.ResponseWriter, name string, result Result, err error) {
	h.config.Observe(name, result, port.Said{}, err)
	status := statuses[result]
	if status >= http.StatusInternalServerError {
		w.Header().Set("Retry-After", strconv.Itoa(int(DefaultRetryAfter.Seconds())))
	}
	http.Error(w, string(result), status)
}
