package gatewaysim

import (
	"sync"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// sentMessages are the accepted messages that vendors can be asked about. The oldest are forgotten.
type sentMessages struct {
	mu    sync.Mutex
	by    map[string]sentMessage // by id and by reference
	order []string
}

// sentMessage is a message that a vendor took.
type sentMessage struct {
	id, reference, country string
	lms                    bool
}

// maxSent is how many messages can be asked about, at least.
const maxSent = 100_000

func (s *sentMessages) add(m sentMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]sentMessage{}
	}
	for _, name := range []string{m.id, m.reference} {
		if name != "" {
			s.by[name] = m
			s.order = append(s.order, name)
		}
	}
	for len(s.order) > 2*maxSent {
		delete(s.by, s.order[0])
		s.order = s.order[1:]
	}
}

func (s *sentMessages) find(name string) (sentMessage, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, found := s.by[name]
	return m, found
}

// taken reports whether the vendor has the message, whether or not the caller learns of it.
func (a answer) taken() bool {
	return a.sequence != 0 && (a.outcome == behaviour.Accepted || a.outcome == behaviour.AcceptedThenDropped)
}
