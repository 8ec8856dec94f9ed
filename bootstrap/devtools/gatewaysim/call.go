package gatewaysim

import (
	"sync"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/inbox"
	"go.uber.org/zap"
)

// maxKey is the longest idempotency key in bytes.
const maxKey = 200

// validKey tells whether a key may stand in the log: visible ASCII, not long.
func validKey(key string) bool {
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return len(key) <= maxKey
}

// call is one message that reached the gateway whole.
type call struct {
	behaviour.Call
	// content is what the accept log hashes.
	content acceptlog.Hash
	// message is what the inbox shows; its Sequence is set when accepted.
	message inbox.Message
	// sent is what the vendor knows of the message once it is accepted; nil: nothing.
	sent func(sequence uint64) sentMessage
}

// answer is what the caller is told. sequence is 0 unless accepted.
type answer struct {
	outcome    behaviour.Outcome
	sequence   uint64
	retryAfter time.Duration       // 0: the caller is not told
	everybody  behaviour.Everybody // of RefusedEverybody, and of Accepted where its code is not 0
}

// handle carries a call from the decision to the answer. It blocks for the
// latency and for the accept log. Where the outcome is AcceptedThenDropped the
// transport breaks the connection without an answer.
func (s *Server) handle(c call) answer {
	if c.Destination == "" { // there is no such addressee
		return s.carryOut(c, behaviour.Decision{Outcome: behaviour.RefusedPermanent})
	}
	return s.carryOut(c, s.gateway.Decide(c.Call, s.config.now()))
}

// carryOut does what was decided about a call.
func (s *Server) carryOut(c call, decision behaviour.Decision) answer {
	s.stats.enter()
	defer s.stats.leave()
	s.wait(decision.BeforeAccept)
	result := answer{outcome: decision.Outcome, retryAfter: decision.RetryAfter, everybody: decision.Everybody}
	switch decision.Outcome {
	case behaviour.Accepted, behaviour.AcceptedThenDropped:
		sequence, ok := s.accept(c, decision.Outcome == behaviour.AcceptedThenDropped)
		if !ok {
			// It may be in the log or not: so the caller must not be told either.
			result.outcome = behaviour.AcceptedThenDropped
			return result
		}
		result.sequence = sequence
		s.taken(c, sequence)
		if decision.Outcome == behaviour.AcceptedThenDropped {
			return result
		}
	default:
		s.refuse(c, decision.Outcome)
	}
	s.wait(decision.Rest)
	return result
}

// accept logs the call durably, then shows it in the inbox.
func (s *Server) accept(c call, dropped bool) (sequence uint64, ok bool) {
	record := s.record(c)
	record.Dropped = dropped
	sequence, err := s.log.Accept(record)
	if err != nil {
		s.config.Log.Error("accept_log_failed", zap.Error(err))
		return 0, false
	}
	s.stats.accepted(c.Channel, dropped, s.gateway.MarkAccepted(c.Call))
	s.advance(1)
	if s.inbox != nil {
		c.message.Sequence = sequence
		c.message.Time = record.Time
		c.message.Channel = string(c.Channel)
		c.message.Key = c.Key
		s.inbox.Add(c.message)
	}
	return sequence, true
}

func (s *Server) refuse(c call, outcome behaviour.Outcome) {
	record := s.record(c)
	record.Class = outcome.String()
	s.stats.refused(c.Channel, outcome)
	if err := s.log.Note(record); err != nil {
		s.config.Log.Error("accept_log_failed", zap.Error(err))
	}
}

func (s *Server) record(c call) acceptlog.Record {
	return acceptlog.Record{
		Time: s.config.now(), Channel: string(c.Channel), Vendor: string(c.Vendor), IdempotencyKey: c.Key,
		Destination: acceptlog.HashDestination(c.Destination), Content: c.content,
	}
}

// wait sleeps, but no longer than until the server stops.
func (s *Server) wait(d time.Duration) {
	if d <= 0 {
		return
	}
	timer, _ := timers.Get().(*time.Timer)
	timer.Reset(d)
	select {
	case <-timer.C:
	case <-s.stopping:
		timer.Stop()
	}
	timers.Put(timer)
}

// timers are those that nobody waits for: each call needs one, thousands of times a second.
var timers = sync.Pool{New: func() any {
	timer := time.NewTimer(0)
	timer.Stop()
	return timer
}}
