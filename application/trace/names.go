package trace

import (
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// The names of spans of a bill, in the order of its life. Those of messages are as OpenTelemetry's conventions for messaging
// have them: the operation and the topic, here without the configured prefix.
const (
	Import         = "import"
	Render         = "render"
	Dispatch       = "dispatch"
	SendRequest    = "send " + string(port.TopicRequests)
	ProcessRequest = "process " + string(port.TopicRequests)
	Check          = "check"   // for a halt, the time and the suppression list
	Prepare        = "prepare" // fetch and decrypt the content
	Permit         = "permit"  // wait until a call may be made
	Claim          = "claim"
	Call           = "call"
	RecordOutcome  = "record" // store the outcome
	SendResult     = "send " + string(port.TopicResults)
	ProcessResult  = "process " + string(port.TopicResults)
	Settle         = "settle"
	ExpireLease    = "expire lease"
)

// The names of spans of many bills at once, each a trace of its own. The spans of its bills link to it.
const (
	ImportChunk  = "import chunk"
	RenderChunk  = "render chunk"
	DispatchPage = "dispatch page"
	SettleBatch  = "settle batch"
)

// OfDelivery are the attributes that say which delivery a span is of, without saying whose.
func OfDelivery(k key.Delivery) []port.Field {
	return []port.Field{
		{Key: "balsong.month", Value: k.Month.String()}, {Key: "balsong.attempt", Value: int(k.Attempt)}, {Key: "balsong.round", Value: int(k.Round)},
	}
}

// OfStep are the attributes of the step of the route that is tried.
func OfStep(step int16, kind channel.Kind) []port.Field {
	return []port.Field{{Key: "balsong.step", Value: int(step)}, {Key: "balsong.channel", Value: string(kind)}}
}

// Of is one attribute of Balsong's own.
func Of(name string, value any) port.Field { return port.Field{Key: "balsong." + name, Value: value} }

// OfMessages are the attributes of an operation on messages: send or process.
func OfMessages(operation string, topic port.Topic) []port.Field {
	return []port.Field{
		{Key: "messaging.system", Value: "kafka"},
		{Key: "messaging.operation.name", Value: operation},
		{Key: "messaging.operation.type", Value: operation},
		{Key: "messaging.destination.name", Value: string(topic)},
	}
}

// OfReceived are the attributes of the processing of a message that was received.
func OfReceived(topic port.Topic, partition int32, offset int64) []port.Field {
	return append(OfMessages("process", topic),
		port.Field{Key: "messaging.destination.partition.id", Value: strconv.Itoa(int(partition))}, port.Field{Key: "messaging.kafka.offset", Value: offset})
}

// Many is the span of what was done for many bills at once. of tells it from what others did at the same moment.
func Many(name, of string, start, end time.Time, bills int, attributes ...port.Field) port.TraceSpan {
	sum := sha256.Sum256([]byte("balsong " + name + " " + of + " " + strconv.FormatInt(start.UnixNano(), 10)))
	s := port.TraceSpan{Name: name, Kind: port.SpanInternal, Start: start, End: end, Attributes: append(attributes, Of("bills", bills))}
	copy(s.Trace[:], sum[:])
	s.Span, s.Sampled = Span(s.Trace, 0), true
	return s
}

// OfResult are the attributes of what became of a delivery; none without a result.
func OfResult(r *event.Result) []port.Field {
	if r == nil {
		return nil
	}
	var list []port.Field
	for _, f := range []port.Field{
		Of("outcome", string(r.Outcome)), Of("reason", string(r.Reason)), Of("failure_class", string(r.Class)), Of("provider", r.Provider),
	} {
		if f.Value != "" {
			list = append(list, f)
		}
	}
	return list
}
