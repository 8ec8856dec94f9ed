package port

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/channel"
)

// ErrHalted ends what must not continue while everything is halted. It is done again once the halt is lifted.
var ErrHalted = errors.New("halted")

// Control is the switch that halts everything that goes out. It is read for each page and every few seconds, never
// cached for longer.
type Control interface {
	// Halted returns whether dispatch and delivery must stop, and why.
	Halted(ctx context.Context) (Halt, error)
	// SetHalt sets or lifts the halt, since the act's time, and is audited (HaltEntry). A switch that is in the position
	// already stays as it is, with who set it and why, and nothing is audited.
	SetHalt(ctx context.Context, on bool, by Act) error
}

// Halt is the position of the switch, with who set it last and why.
type Halt struct {
	On     bool
	Actor  string
	Reason string
	Since  time.Time
}

// HaltShare is the share of refusals, in percent, above which a channel is halted where nobody has raised it.
const HaltShare = 20

// ChannelHalts are the switches that halt single channels. Delivery and the service that stores reports halt a channel on which too
// many are refused, and a person lifts it; everything else goes on. They are read as the Control is.
type ChannelHalts interface {
	// All returns the switches that were ever set, by their channels' names.
	All(ctx context.Context) ([]ChannelHalt, error)
	// Set sets or lifts the halt of a channel, since the act's time, and is audited (ChannelHaltEntry). share is that above which
	// the channel is halted again, in percent, of a halt that is lifted: 1 to 100, 0 for HaltShare. ErrInvalid. A switch that is in
	// the position already stays as it is, with who set it, why and its share, and nothing is audited.
	Set(ctx context.Context, kind channel.Kind, on bool, share int, by Act) error
}

// ChannelHalt is the position of a channel's switch.
type ChannelHalt struct {
	Channel channel.Kind
	Halt
	Share int // of refusals, in percent, above which the channel is halted; at 100 it never is
}

// HaltedChannels are the channels whose switches are set.
func HaltedChannels(switches []ChannelHalt) (halted channel.Set) {
	for _, s := range switches {
		if s.On {
			halted |= channel.NewSet(s.Channel)
		}
	}
	return halted
}

// ValidShare refuses, with ErrInvalid, a share that ChannelHalts.Set does not take, and returns it with its default.
func ValidShare(share int) (int, error) {
	if share < 0 || share > 100 {
		return 0, fmt.Errorf("%w: a share of %d percent (want 1 to 100)", ErrInvalid, share)
	}
	return cmp.Or(share, HaltShare), nil
}
