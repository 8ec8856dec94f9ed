package awssms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// event is what AWS publishes about a message
// (https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html).
type event struct {
	EventType                string
	EventTimestamp           int64 // milliseconds
	IsFinal                  bool
	MessageID                string
	MessageStatusDescription string
	Context                  map[string]string
}

// outcome is what a type of event says.
type outcome struct {
	kind  report.Kind
	class attempt.FailureClass
	last  bool // it is the last word where AWS says that it is final
}

// outcomes are those of the types (https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html). A carrier
// that has accepted a message (TEXT_SUCCESSFUL) is as much as some countries ever say. TEXT_UNKNOWN is AWS's word for nothing heard in
// 72 hours: nobody's last word.
var outcomes = map[string]outcome{
	"TEXT_DELIVERED":           {report.Delivered, "", true},
	"TEXT_SUCCESSFUL":          {report.Delivered, "", false},
	"TEXT_INVALID":             {report.Undelivered, attempt.Permanent, true},
	"TEXT_INVALID_MESSAGE":     {report.Undelivered, attempt.Content, true},
	"TEXT_UNREACHABLE":         {report.Undelivered, attempt.Temporary, true},
	"TEXT_CARRIER_UNREACHABLE": {report.Undelivered, attempt.Temporary, true},
	"TEXT_BLOCKED":             {report.Undelivered, attempt.Permanent, true},
	"TEXT_CARRIER_BLOCKED":     {report.Undelivered, attempt.Provider, true},
	"TEXT_SPAM":                {report.Undelivered, attempt.Content, true},
	"TEXT_TTL_EXPIRED":         {report.Undelivered, attempt.Temporary, true},
	"TEXT_PROTECT_BLOCKED":     {report.Undelivered, attempt.Provider, true},
	"TEXT_UNKNOWN":             {report.Undelivered, attempt.Temporary, false},
}

// underWay are the types that say nothing of the end.
var underWay = map[string]bool{"TEXT_QUEUED": true, "TEXT_PENDING": true, "TEXT_SENT": true}

// Finder finds the delivery key in a reference (reference.References).
type Finder interface {
	Read(text string) (key.Delivery, error)
}

// Read returns what a publication says about a delivery of ours. ErrUnreadable.
func Read(provider, text string, finder Finder) (port.Said, error) {
	var e event
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.EventType == "" {
		return port.Said{}, fmt.Errorf("%w: it is no event of AWS End User Messaging", port.ErrUnreadable)
	}
	said, known := outcomes[e.EventType]
	switch {
	case underWay[e.EventType]:
		return port.Said{}, nil
	case !known:
		return port.Said{}, fmt.Errorf("%w: AWS End User Messaging has an event that is not known", port.ErrUnreadable)
	}
	about, err := finder.Read(e.Context[contextKey])
	if err != nil {
		return port.Said{Foreign: 1}, nil //nolint:nilerr // a message that is not ours
	}
	r := report.Report{
		Key: about, Provider: provider, Kind: said.kind, Class: said.class, Definitive: said.last && e.IsFinal,
		Code: e.EventType, Detail: gateway.Redact(e.MessageStatusDescription, ""),
	}
	if e.EventTimestamp > 0 {
		r.SaidAt = time.UnixMilli(e.EventTimestamp).UTC()
	}
	if gateway.ValidMessageID(e.MessageID) {
		r.MessageID = e.MessageID
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{e.EventType, e.MessageID, fmt.Sprint(e.EventTimestamp)}, "\x00")))
	r.ID = "aws-sms-" + hex.EncodeToString(sum[:16])
	if err := r.Validate(); err != nil {
		return port.Said{}, fmt.Errorf("%w: %w", port.ErrUnreadable, err)
	}
	return port.Said{Reports: []report.Report{r}}, nil
}

// Reports is a port.Reporter for the events that AWS publishes to a topic of Amazon SNS. Safe for concurrent use.
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
