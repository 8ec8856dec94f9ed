package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/balsong/balsong/application/port"
)

var (
	_ port.RunStarter   = (*RunStarter)(nil)
	_ port.RunSchedules = (*RunSchedules)(nil)
)

// RunStarter pretends to start runs, and remembers the orders. The zero value has started none.
type RunStarter struct {
	mu      sync.Mutex
	started map[string]port.StartedRun
	orders  []port.RunOrder
	fail    error
}

// Fail lets every call fail; nil: no more.
func (s *RunStarter) Fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// Orders returns the orders of the runs that were started.
func (s *RunStarter) Orders() []port.RunOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}

// End lets a run end with an exit code.
func (s *RunStarter) End(handle string, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started[handle] = port.StartedRun{Handle: handle, Status: port.StartEnded, ExitCode: code}
}

// Start implements port.RunStarter.
func (s *RunStarter) Start(ctx context.Context, token string, order port.RunOrder) (port.StartedRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return port.StartedRun{}, err
	}
	if s.fail != nil {
		return port.StartedRun{}, s.fail
	}
	handle := "run-" + token
	if known, there := s.started[handle]; there {
		return known, nil
	}
	if s.started == nil {
		s.started = map[string]port.StartedRun{}
	}
	s.started[handle] = port.StartedRun{Handle: handle, Status: port.StartRunning, ExitCode: -1}
	s.orders = append(s.orders, order)
	return s.started[handle], nil
}

// Look implements port.RunStarter.
func (s *RunStarter) Look(ctx context.Context, handle string) (port.StartedRun, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return port.StartedRun{}, err
	}
	known, there := s.started[handle]
	if !there {
		return port.StartedRun{}, fmt.Errorf("the started run %q: %w", handle, port.ErrNotFound)
	}
	return known, nil
}

// RunSchedules keeps schedules that start nothing. The zero value is empty.
type RunSchedules struct {
	mu     sync.Mutex
	kept   []port.RunSchedule
	orders map[string]port.RunOrder
}

// Order returns what a schedule starts.
func (s *RunSchedules) Order(name string) port.RunOrder {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[name]
}

// Create implements port.RunSchedules.
func (s *RunSchedules) Create(ctx context.Context, schedule port.RunSchedule, order port.RunOrder) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	at, there := s.find(schedule.Name)
	if there && s.kept[at] != schedule {
		return fmt.Errorf("%w: there is another schedule %s", port.ErrInvalid, schedule.Name)
	}
	if there {
		return nil
	}
	if s.orders == nil {
		s.orders = map[string]port.RunOrder{}
	}
	s.kept, s.orders[schedule.Name] = slices.Insert(s.kept, at, schedule), order
	return nil
}

func (s *RunSchedules) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.kept, name, func(k port.RunSchedule, name string) int { return strings.Compare(k.Name, name) })
}

// List implements port.RunSchedules.
func (s *RunSchedules) List(ctx context.Context) ([]port.RunSchedule, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.kept), ctx.Err()
}

// Remove implements port.RunSchedules.
func (s *RunSchedules) Remove(ctx context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	at, there := s.find(name)
	if !there {
		return fmt.Errorf("the schedule %q: %w", name, port.ErrNotFound)
	}
	s.kept = slices.Delete(s.kept, at, at+1)
	return nil
}
