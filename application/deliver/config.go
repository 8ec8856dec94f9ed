package deliver

import (
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/channel"
)

// ErrConfig is wrapped by New when Delivery cannot work as configured.
var ErrConfig = errors.New("delivery cannot work as configured")

// Config tunes Delivery. A zero field stands for its default.
type Config struct {
	Source   string // names the process in events; default "balsong/delivery"
	Limits   Limits
	Bulk     Bulk
	Halt     HaltRules
	Patience Patience
}

// Limits bound what one process does at the same time.
type Limits struct {
	InFlight    int // messages from consumption to outcome; default 10,000, less where the gateways allow few calls
	Decryptions int // contents decrypted at once: best one for each processor; default 4
}

// Bulk says how single reads and writes of the ledger are collected into bulk statements.
type Bulk struct {
	Batch  int           // rows of a statement, 1 to 1,000; default 500
	Linger time.Duration // how long a statement waits for more rows under load, claims of a lane with few permits less; default 0: not at all
}

// HaltRules say how the halt is read, and when Delivery sets it itself.
type HaltRules struct {
	Poll     time.Duration // how often it is read; default 2 s
	Contents int           // contents refused in a row at which Delivery sets it; default 5
}

// Patience says how long Delivery waits.
type Patience struct {
	Drain     time.Duration // for calls under way at a shutdown; a longer call is cut off and becomes UNKNOWN; default 1 min
	NoGateway time.Duration // until a statement is tried again for which there is no gateway here; default 10 min
}

// WithDefaults returns the config with every zero field set to its default.
func (c Config) WithDefaults() Config {
	fill(&c.Source, "balsong/delivery")
	fill(&c.Limits.InFlight, 10_000)
	fill(&c.Limits.Decryptions, 4)
	fill(&c.Bulk.Batch, 500)
	fill(&c.Halt.Poll, 2*time.Second)
	fill(&c.Halt.Contents, 5)
	fill(&c.Patience.Drain, time.Minute)
	fill(&c.Patience.NoGateway, 10*time.Minute)
	return c
}

// fill sets a field that is zero to its default.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// validate reports the first setting that cannot work, and the first provider whose lease does not cover its call.
func (c Config) validate(lanes map[channel.Kind]Lane) error {
	if c.Limits.InFlight < 1 || c.Bulk.Batch < 1 || c.Bulk.Batch > 1000 || c.Bulk.Linger < 0 || c.Limits.Decryptions < 1 {
		return fmt.Errorf("%w: in flight %d, batch %d, linger %s, decryptions %d (want at least 1, a batch of 1 to 1,000, a linger of at least 0)",
			ErrConfig, c.Limits.InFlight, c.Bulk.Batch, c.Bulk.Linger, c.Limits.Decryptions)
	}
	for kind, lane := range lanes {
		if len(lane) == 0 {
			return fmt.Errorf("%w: the channel %s has no provider", ErrConfig, kind)
		}
		for _, of := range lane {
			if p := of.Gateway.Provider(); p.CallDeadline <= 0 || p.Lease <= p.CallDeadline+p.Margin {
				return fmt.Errorf("%w: %s provider %s: the lease of %s is not longer than the call deadline of %s and the margin of %s together",
					ErrConfig, kind, p.Name, p.Lease, p.CallDeadline, p.Margin)
			}
		}
	}
	return nil
}

// How much is fetched and kept ready.
const (
	fetches      = 64   // contents fetched from the storage at once
	prepareSlots = 1024 // messages prepared at once: more would not be faster, and neighbours of a pack would be fetched at times far apart
	fewContents  = 64   // contents of a lane that may wait for a permit, however few permits it has
	fewMessages  = 1000 // messages in flight that a process may have, however few permits its lanes have
)

// oldLook is how old a look at the suppression list may be when the permit is there; an older one is repeated before the claim. The call
// itself begins within the claim's lease, of a few minutes at most. A minute is more than messages wait while calls go out as they
// should, so these need no second statement, and it is far below the time in which a person who asks for no more messages expects it.
const oldLook = time.Minute

// contentsAhead is how many contents of a lane may wait for a permit: as many as its calls will use soon. A content that
// waits for longer only takes up memory.
func contentsAhead(providers []*provider) int {
	all := 0
	for _, p := range providers {
		soon := 2 * p.InFlight
		if p.Rate > 0 {
			soon = min(soon, int(2*p.Rate)) // two seconds' worth
		}
		all += soon
	}
	return max(all, fewContents)
}

// inFlight is how many messages may be in flight: Limits.InFlight, or less where the lanes could not use them.
func inFlight(limit int, lanes map[channel.Kind]*lane) int {
	usable := 0
	for _, l := range lanes {
		for _, p := range l.providers {
			usable += 10 * p.InFlight
		}
	}
	return min(limit, max(usable, fewMessages))
}
