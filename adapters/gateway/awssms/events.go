package awssms

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
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
	DestinationPhoneNumber   string
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

// Read returns what a publication says about a delivery of ours. ErrUnreadable.
func Read(provider, text string, finder reference.Finder) (port.Said, error) {
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
	if ours := err == nil; !ours {
		return port.Said{Foreign: 1}, nil
	}
	r := report.Report{
		Key: about, Provider: provider, Kind: said.kind, Class: said.class, Definitive: said.last && e.IsFinal,
		Code: e.EventType, Detail: gateway.Redact(e.MessageStatusDescription, e.DestinationPhoneNumber),
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
