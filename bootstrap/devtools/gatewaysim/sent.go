package gatewaysim

import (
	"sync"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
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
	sequence               uint64 // of its line in the accept log
	call                   behaviour.Call
	content                acceptlog.Hash
	id, reference, country string
	to, from, account      string
	callback               string // to which Twilio reports
	header                 []byte // of an e-mail
	kind                   string // of a text message: SMS, LMS or ATA (AlimTalk)
	at                     time.Time
	fate                   behaviour.Fate
}

// known reports whether a look-up knows what became of the message.
func (m sentMessage) known(now time.Time) bool { return !now.Before(m.at.Add(m.fate.Known)) }

// taken notes a message that was accepted, and lets its vendor report.
func (s *Server) taken(c call, sequence uint64) {
	if c.sent == nil {
		return
	}
	m := c.sent(sequence)
	m.sequence, m.call, m.content, m.at, m.fate = sequence, c.Call, c.content, s.config.now(), s.gateway.Fate(c.Call)
	if m.id != "" {
		s.sent.add(m)
	}
	s.report(m)
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
