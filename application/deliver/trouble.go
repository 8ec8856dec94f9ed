package deliver

import (
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// troublePause is the least time between two log lines about one provider.
const troublePause = time.Minute

// troubles remembers when each provider's trouble was last logged. Safe for concurrent use.
type troubles struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// due reports whether a provider's trouble is to be logged now, and if so takes note of it.
func (t *troubles) due(provider string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last, ok := t.told[provider]; ok && now.Sub(last) < troublePause {
		return false
	}
	if t.told == nil {
		t.told = map[string]time.Time{}
	}
	t.told[provider] = now
	return true
}

// tellTrouble logs why calls to a provider are not made or not answered, at most once a minute for each provider. The
// ledger rows say so too, but nobody looks at them while they think that statements go out.
func (s *Service) tellTrouble(provider string, reply port.Reply) {
	if reply.Verdict != port.CallNotMade && reply.Verdict != port.CallUnknown {
		return
	}
	if s.troubles.due(provider, s.Clock.Now()) {
		s.Log.Warn("a gateway cannot be called, or does not answer; told once a minute",
			port.Field{Key: "provider", Value: provider}, port.Field{Key: "verdict", Value: string(reply.Verdict)},
			port.Field{Key: "detail", Value: reply.Detail})
	}
}
