package deliver

import "github.com/balsong/balsong/domain/channel"

// WaitingForContent is how many messages of a lane wait until they may fetch their content.
func (s *Service) WaitingForContent(kind channel.Kind) int {
	ahead := s.lanes[kind].ahead
	ahead.mu.Lock()
	defer ahead.mu.Unlock()
	return len(ahead.waiting)
}

// ContentsAhead is how many contents of a lane that does nothing yet may wait for a permit.
func (s *Service) ContentsAhead(kind channel.Kind) int { return s.lanes[kind].ahead.free }

// Preparing is how many messages are being prepared, or wait until they may be in flight.
func (s *Service) Preparing() int {
	s.prepare.mu.Lock()
	defer s.prepare.mu.Unlock()
	return prepareSlots - s.prepare.free
}

// MaxInFlight is how many messages may be in flight.
func (s *Service) MaxInFlight() int { return cap(s.inFlight) }
