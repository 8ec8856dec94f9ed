package archdoc

import (
	"time"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// encoder is an event.
type encoder interface {
	Message(source, trace string, at time.Time) (port.Message, error)
	Delivery() key.Delivery
}

// exampleTrace is the traceparent of the examples.
const exampleTrace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

var exampleTime = time.Date(2026, time.November, 22, 3, 0, 0, 0, time.UTC)

func encode(events []encoder) ([]port.Message, error) {
	var list []port.Message
	for _, e := range events {
		m, err := e.Message("balsong/example", exampleTrace, exampleTime)
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func exampleIdentity() event.Identity {
	return event.Identity{
		Month: key.Month(2026*12 + 10), UserID: 4711, Channel: channel.Email, PolicyID: 1, PolicyVersion: 3, RunID: 7,
	}
}

func requestedExamples() []encoder {
	deadline := exampleTime.AddDate(0, 0, 9)
	full := event.Requested{
		Identity: exampleIdentity(), Destination: []byte("sealed destination"), Statement: []byte("sealed reference"),
		QuietHours: &event.QuietHours{From: "21:00", To: "08:00", Zone: "Asia/Seoul"}, Deadline: &deadline,
		Unknown: attempt.Hold, CallDeadlineMS: 30_000,
	}
	advertising := full
	advertising.MessageClass = policy.Advertising
	advertising.OwnQuietHours = &event.QuietHours{From: "12:00", To: "13:00", Zone: "Asia/Seoul"}
	least := full
	least.QuietHours, least.Deadline, least.CallDeadlineMS, least.Unknown = nil, nil, 0, attempt.Resend
	least.Attempt, least.Round, least.Step, least.Channel = 1, 2, 2, channel.SMS
	return []encoder{full, advertising, least}
}

func resultExamples() []encoder {
	accepted := event.Result{
		Identity: exampleIdentity(), Outcome: attempt.Succeeded, Provider: "smtp", ProviderMessageID: "250 2.0.0 Ok: queued as 4XyZ", FinishedAt: exampleTime,
	}
	refused := event.Result{
		Identity: exampleIdentity(), Outcome: attempt.Failed, Class: attempt.Permanent, Reason: attempt.ReasonRefused, Provider: "smtp", FinishedAt: exampleTime,
	}
	putBack := event.Result{Identity: exampleIdentity(), Outcome: attempt.NotSent, Reason: attempt.ReasonWindow, FinishedAt: exampleTime}
	return []encoder{accepted, refused, putBack}
}
