package sns

import (
	"context"
	"net/http"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
)

// Read returns what a publication says about a delivery of ours, sent by the provider of this name. ErrUnreadable.
type Read func(provider, text string, finder reference.Finder) (port.Said, error)

// Reports is a port.Reporter for the events that a service of AWS publishes to a topic. Safe for concurrent use.
type Reports struct {
	provider   string
	topic      *Topic
	references *reference.Source
	read       Read
}

var _ port.Reporter = (*Reports)(nil)

// NewReports returns the reports about messages that a provider of this name sent. topic is an ARN; transport is New's. The error
// wraps gateway.ErrConfig.
func NewReports(provider, topic string, references *reference.Source, transport http.RoundTripper, read Read) (*Reports, error) {
	made, err := New(topic, transport)
	switch {
	case err != nil:
		return nil, gateway.ConfigError(provider, "topic", "is %s", err)
	case references == nil:
		return nil, gateway.ConfigError(provider, "references", "are not there: no event finds its bill")
	}
	return &Reports{provider: provider, topic: made, references: references, read: read}, nil
}

// Reports implements port.Reporter.
func (r *Reports) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	published, err := r.topic.Open(ctx, request)
	if err != nil || published == nil {
		return port.Said{}, err
	}
	if err := r.references.Prepare(ctx); err != nil {
		return port.Said{}, err
	}
	return r.read(r.provider, published.Text, r.references.Known())
}
