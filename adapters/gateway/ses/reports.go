package ses

import (
	"context"
	"net/http"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/application/port"
)

// Reports is a port.Reporter for the events that SES publishes to a topic of Amazon SNS. Safe for concurrent use.
type Reports struct {
	provider   string
	topic      *sns.Topic
	references *reference.Source
}

var _ port.Reporter = (*Reports)(nil)

// NewReports returns the reports about messages that a provider of this name sent. topic is an ARN; transport is sns.New's. The error
// wraps gateway.ErrConfig.
func NewReports(provider, topic string, references *reference.Source, transport http.RoundTripper) (*Reports, error) {
	made, err := sns.New(topic, transport)
	switch {
	case err != nil:
		return nil, gateway.ConfigError(provider, "topic", "is %s", err)
	case references == nil:
		return nil, gateway.ConfigError(provider, "references", "are not there: no event finds its bill")
	}
	return &Reports{provider: provider, topic: made, references: references}, nil
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
	return Read(r.provider, published.Text, r.references.Known())
}
