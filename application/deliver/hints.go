package deliver

import (
	"context"

	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
)

// hints publishes result events for the flights, which do not wait for the acknowledgement: an event is only a hint,
// because the sweep of the ledger finds what no event reported. So each is tried once, for publishTimeout at most, and a
// failure is only counted. What comes while one publish is under way makes up the next.
type hints struct {
	*Service
	queue chan port.Message // as long as messages may be in hand; when it is full, flights wait
	ended chan struct{}     // closed when all are published
}

func newHints(s *Service) *hints {
	h := &hints{Service: s, queue: make(chan port.Message, s.config.InFlight), ended: make(chan struct{})}
	go h.work()
	return h
}

// work publishes until the queue is closed and empty.
func (h *hints) work() {
	defer close(h.ended)
	busy := false
	for first := range h.queue {
		if busy && h.config.Linger > 0 {
			h.linger()
		}
		messages := []port.Message{first}
		for n := len(h.queue); n > 0; n-- {
			messages = append(messages, <-h.queue)
		}
		busy = len(messages) > 1
		h.publish(messages)
	}
}

// linger lets more events come where they come often, for Config.Linger, or until no more flights will bring any.
func (h *hints) linger() {
	select {
	case <-h.Clock.After(h.config.Linger):
	case <-h.life.Done():
	}
}

func (h *hints) publish(messages []port.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	failed := 0
	for _, err := range h.Publisher.Publish(ctx, port.TopicResults, messages) {
		if err != nil {
			failed++
		}
	}
	if failed > 0 {
		metric.ResultsUnpublished.Add(h.Metrics, failed)
	}
}

// close publishes what is queued. No flight may hint any more.
func (h *hints) close() {
	close(h.queue)
	<-h.ended
}

// hint queues a result event.
func (s *Service) hint(r event.Result) {
	m, err := r.Message(s.config.Source, event.Trace(r.Delivery(), r.RunID), s.Clock.Now())
	if err != nil {
		metric.ResultsUnpublished.Add(s.Metrics, 1)
		return
	}
	s.hints.queue <- m
}
