package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Traces is where spans go. The names and forms of the variables are OpenTelemetry's own.
type Traces struct {
	Endpoint    string  `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"OTLP/HTTP collector that receives traces, as in http://localhost:4318; without it none are recorded"`
	Headers     string  `env:"OTEL_EXPORTER_OTLP_HEADERS" secret:"true" help:"headers of the requests to it, as in authorization=Bearer%20token,x-tenant=bills"`
	Protocol    string  `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" help:"http/protobuf; there is no other"`
	Certificate string  `env:"OTEL_EXPORTER_OTLP_CERTIFICATE" help:"file of PEM certificates that are trusted beside the system's"`
	TimeoutMS   int     `env:"OTEL_EXPORTER_OTLP_TIMEOUT" envDefault:"10000" help:"longest request to it, in milliseconds"`
	Service     string  `env:"OTEL_SERVICE_NAME" help:"name of the service in traces; without it balsong- and the role"`
	Resource    string  `env:"OTEL_RESOURCE_ATTRIBUTES" help:"further attributes of the service, as in deployment.environment.name=production"`
	Sampled     float64 `env:"BALSONG_TRACES_SAMPLED" envDefault:"0.01" help:"share of the bills whose traces are recorded whole, 0 to 1, the same for every service; of the others what fails is recorded"`
}

func (t Traces) validate() error {
	if !(t.Sampled >= 0 && t.Sampled <= 1) { // nor what is no number
		return fmt.Errorf("BALSONG_TRACES_SAMPLED is %v (want a share from 0 to 1)", t.Sampled)
	}
	if t.Endpoint == "" {
		return nil
	}
	u, err := url.Parse(t.Endpoint)
	switch {
	case t.Protocol != "http/protobuf":
		return fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q (want http/protobuf: the collector's port 4318, not 4317)", t.Protocol)
	case t.TimeoutMS < 1:
		return fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %d (want milliseconds, at least 1)", t.TimeoutMS)
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is not of the form http://localhost:4318")
	case u.Scheme == "http" && t.Headers != "" && !Loopback(u.Hostname()):
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT is http: OTEL_EXPORTER_OTLP_HEADERS would be sent unencrypted (want https)")
	}
	_, headers := t.HeaderMap()
	_, resource := t.Attributes("")
	return errors.Join(headers, resource, checkUserinfo("OTEL_EXPORTER_OTLP_ENDPOINT", t.Endpoint, "set OTEL_EXPORTER_OTLP_HEADERS"))
}

// URL is the address of the collector's traces.
func (t Traces) URL() string { return strings.TrimSuffix(t.Endpoint, "/") + "/v1/traces" }

// Timeout bounds a request.
func (t Traces) Timeout() time.Duration { return time.Duration(t.TimeoutMS) * time.Millisecond }

// HeaderMap returns the headers.
func (t Traces) HeaderMap() (map[string]string, error) {
	return pairs("OTEL_EXPORTER_OTLP_HEADERS", t.Headers)
}

// Attributes returns the attributes of the process, which is named so where the configuration names it not.
func (t Traces) Attributes(service string) (map[string]string, error) {
	attributes, err := pairs("OTEL_RESOURCE_ATTRIBUTES", t.Resource)
	if err != nil {
		return nil, err
	}
	switch {
	case t.Service != "":
		attributes["service.name"] = t.Service
	case attributes["service.name"] == "":
		attributes["service.name"] = service
	}
	return attributes, nil
}

// TLS returns how the collector is trusted; nil: by the system's certificates.
func (t Traces) TLS() (*tls.Config, error) {
	if t.Certificate == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(t.Certificate)
	if err == nil {
		err = CA(pem).validate()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: OTEL_EXPORTER_OTLP_CERTIFICATE: %w", ErrInvalid, err)
	}
	return CA(pem).TLS(), nil
}

// pairs reads what is written as in W3C Baggage: name=value, comma-separated, percent-encoded. Its error has no value.
func pairs(name, text string) (map[string]string, error) {
	list := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			return nil, fmt.Errorf("%s is not of the form name=value,name=value with percent-encoded values", name)
		}
		list[key] = value
	}
	return list, nil
}
