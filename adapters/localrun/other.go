//go:build !unix

// Package localrun starts runs of the dispatcher as processes on this machine: not on this operating system, whose processes
// know neither sessions nor locks of this kind.
package localrun

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
)

// Config says what is started.
type Config struct {
	Program, Dir string
	Command      func(port.RunOrder) (arguments, environment []string)
}

// Starter implements port.RunStarter.
type Starter struct{}

// New returns a starter that starts nothing.
func New(Config) *Starter { return &Starter{} }

// Start implements port.RunStarter.
func (*Starter) Start(context.Context, string, port.RunOrder) (port.StartedRun, error) {
	return port.StartedRun{}, fmt.Errorf("%w: runs are not started in the background on this operating system: run the dispatcher itself", port.ErrInvalid)
}

// Look implements port.RunStarter.
func (*Starter) Look(_ context.Context, handle string) (port.StartedRun, error) {
	return port.StartedRun{}, fmt.Errorf("the started run %q: %w", handle, port.ErrNotFound)
}
