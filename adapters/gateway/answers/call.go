package answers

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
)

// Send makes the call of a message and says what its answer means, with nothing like the destination in it. ofAnother reports whether the body
// of an answer names another message than ours, so that it says nothing of ours; nil: no answer names one.
func (t *Table) Send(ctx context.Context, host *httpclient.Host, call *httpclient.Call, destination string, ofAnother func(body []byte) bool, now func() time.Time) port.Reply {
	answer, err := host.Exchange(ctx, call)
	if err == nil && ofAnother != nil && !answer.Truncated && ofAnother(answer.Body) {
		reply := gateway.Unknown("the answer is for another message")
		reply.Answered = true
		return reply
	}
	reply := t.Reply(answer, err, now())
	reply.Detail = gateway.Redact(reply.Detail, destination)
	return reply
}

// Ask makes a call that asks about our account, and returns the body of an answer that has what was asked for. The error wraps
// gateway.ErrCheck.
func (t *Table) Ask(ctx context.Context, host *httpclient.Host, call *httpclient.Call, succeeded func(httpclient.Answer) bool, now func() time.Time) ([]byte, error) {
	answer, err := host.Exchange(ctx, call)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", gateway.ErrCheck, err)
	case !succeeded(answer):
		return nil, t.Failed(answer, now())
	}
	return answer.Body, nil
}

// Failed is the error of an answer that has not what was asked for. It wraps gateway.ErrCheck.
func (t *Table) Failed(answer httpclient.Answer, now time.Time) error {
	return fmt.Errorf("%w: %s", gateway.ErrCheck, gateway.Redact(t.Reply(answer, nil, now).Detail, ""))
}

// OK reports whether an answer has a status that says success.
func OK(answer httpclient.Answer) bool { return answer.Status/100 == 2 }

// NamesMessage takes a success that has a message's id alone for an acceptance (Table.Accepts): another server's 200 says nothing of the
// message.
func NamesMessage(status int, said Said) bool {
	return status/100 == 2 && gateway.ValidMessageID(said.MessageID)
}
