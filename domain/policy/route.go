package policy

import (
	"errors"
	"fmt"

	"github.com/balsong/balsong/domain/channel"
)

// MaxSteps is the most steps that a route may have.
const MaxSteps = 100

// Leg is one channel of a route and how many tries it gets.
type Leg struct {
	Channel channel.Kind
	Tries   int
}

// Route is the order in which channels are tried, as in EMAIL ×2 → SMS ×1.
type Route []Leg

func (r Route) validate() error {
	if len(r) == 0 {
		return errors.New("names no channel")
	}
	steps := 0
	for i, leg := range r {
		if !leg.Channel.Valid() {
			return fmt.Errorf("leg %d: %q is no channel", i+1, leg.Channel)
		}
		if leg.Tries < 1 || leg.Tries > MaxSteps {
			return fmt.Errorf("leg %d: %s is tried %d times (want 1 to %d)", i+1, leg.Channel, leg.Tries, MaxSteps)
		}
		steps += leg.Tries
	}
	if steps > MaxSteps {
		return fmt.Errorf("has %d steps (at most %d)", steps, MaxSteps)
	}
	return nil
}

// Channels are those of the route.
func (r Route) Channels() (all channel.Set) {
	for _, leg := range r {
		all |= channel.NewSet(leg.Channel)
	}
	return all
}

// Steps writes the route out for a customer's preferred channel: the legs of that channel come first, the others keep their
// order. A preference for a channel that is not in the route changes nothing.
func (r Route) Steps(preferred channel.Kind) []channel.Kind {
	var steps []channel.Kind
	for _, first := range []bool{true, false} {
		for _, leg := range r {
			if (leg.Channel == preferred) != first {
				continue
			}
			for range leg.Tries {
				steps = append(steps, leg.Channel)
			}
		}
	}
	return steps
}

// NextOther returns the first step after a given one that has another channel, or -1.
func NextOther(steps []channel.Kind, step int16) int16 {
	for i := int(step) + 1; i < len(steps); i++ {
		if step >= 0 && int(step) < len(steps) && steps[i] != steps[step] {
			return int16(i)
		}
	}
	return -1
}

// Next returns the step after a given one, or -1 at the route's end.
func Next(steps []channel.Kind, step int16) int16 {
	if int(step)+1 < len(steps) {
		return step + 1
	}
	return -1
}
