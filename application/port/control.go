package port

import (
	"context"
	"errors"
	"time"
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
