package core

import (
	"go.uber.org/fx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe/otlp"
)

// Traces provides the tracer: nil where no collector is configured. service names the process in traces, unless the
// configuration does.
func Traces(c config.Traces, service string) fx.Option {
	return fx.Module("traces", fx.Provide(func(lc fx.Lifecycle, log port.Log, metrics port.Metrics) (*trace.Tracer, error) {
		if c.Endpoint == "" {
			return nil, nil
		}
		headers, err := c.HeaderMap()
		if err != nil {
			return nil, err
		}
		attributes, err := c.Attributes(service)
		if err != nil {
			return nil, err
		}
		attributes["service.namespace"], attributes["service.version"] = "balsong", Version()
		trusted, err := c.TLS()
		if err != nil {
			return nil, err
		}
		traces := otlp.New(otlp.Config{URL: c.URL(), Headers: headers, TLS: trusted, Timeout: c.Timeout(), Attributes: attributes}, log, metrics)
		lc.Append(fx.StartStopHook(traces.Start, traces.Shutdown))
		return trace.New(traces, c.Sampled, metrics), nil
	}))
}
