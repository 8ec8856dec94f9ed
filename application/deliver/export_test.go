package deliver

import "github.com/balsong/balsong/domain/channel"

// WaitingForContent is how many messages of a lane wait until they may fetch their content.
func (s *Service) WaitingForContent(kind channel.Kind) int {
	ahead := s.lanes[kind].ahead
	ahead.mu.Lock()
	defer ahead.mu.Unlock()
	return len(ahead.waiting)
}

// MaxInFlight is how many messages may be in flight.
func (s *Service) MaxInFlight() int { return cap(s.inFlight) }
