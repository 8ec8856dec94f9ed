package deliver

import (
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/window"
)

// delivery is one request on its way from the topic to an outcome.
type delivery struct {
	message port.Received
	known   bool // the request's identity could be read
	request event.Requested
	quiet   window.Forbidden
	lane    *lane
	ahead   bool // it holds one of lane.ahead
	content port.Delivery
	token   attempt.Token // of the claim
	sendBy  time.Time     // the latest instant at which its call may begin
}

// leaveAhead lets the next message of the lane fetch its content.
func (d *delivery) leaveAhead() {
	if d.ahead {
		d.ahead = false
		d.lane.ahead.leave()
	}
}

// done marks the message as done and lets go of what it brought, because thousands of deliveries wait after that at the
// same time: for their gateway's answer, and for bulk statements.
func (d *delivery) done() {
	d.message.Done()
	d.message = port.Received{}
	d.request.Destination, d.request.Statement = nil, nil
}

// callDeadline is the shorter of the provider's call deadline and the request's own.
func (d *delivery) callDeadline() time.Duration {
	deadline := d.lane.provider.CallDeadline
	if own := time.Duration(d.request.CallDeadlineMS) * time.Millisecond; own > 0 {
		deadline = min(deadline, own)
	}
	return deadline
}
