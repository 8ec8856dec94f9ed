package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/balsong/balsong/application/port"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// refusal is an answer that is no success.
type refusal struct {
	status int
	after  time.Duration // which the collector asks to wait; 0: it does not
}

func (r refusal) Error() string {
	return fmt.Sprintf("it answers %d %s", r.status, http.StatusText(r.status))
}

// again reports whether the same request may be taken later, as the specification of OTLP says.
func (r refusal) again() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// export sends a batch, for a bounded time again and again where the collector is down or asks for that. It returns how many
// spans the collector did not take.
func (t *Traces) export(ctx context.Context, batch []port.TraceSpan) (rejected int, err error) {
	body, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   t.resource,
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: scope, Spans: encode(batch)}},
	}}})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, retryTime)
	defer cancel()
	for pause := retryPause; ; pause *= 2 {
		rejected, err = t.post(ctx, body)
		var refused refusal
		if err == nil || errors.As(err, &refused) && !refused.again() {
			return rejected, err
		}
		select {
		case <-time.After(max(pause, refused.after)):
		case <-t.stop: // the last try was this one
			return 0, err
		case <-ctx.Done():
			return 0, err
		}
	}
}

// post sends one request.
func (t *Traces) post(ctx context.Context, body []byte) (rejected int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.config.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for name, value := range t.config.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	response, err := t.client.Do(request)
	if err != nil {
		var withURL *url.Error // whose text has the address, which the configuration has already
		if errors.As(err, &withURL) {
			err = withURL.Err
		}
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode != http.StatusOK {
		after, _ := strconv.Atoi(response.Header.Get("Retry-After")) // a date, or none: 0
		return 0, refusal{response.StatusCode, time.Duration(min(max(after, 0), 60)) * time.Second}
	}
	var taken collectorpb.ExportTraceServiceResponse
	if err == nil && proto.Unmarshal(answer, &taken) == nil {
		rejected = int(taken.GetPartialSuccess().GetRejectedSpans())
	}
	return rejected, nil
}
