package memory

import (
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Months is the store as port.Months. Operations: months.open, months.close, months.list.
func (s *Store) Months() port.Months { return months{s} }

type months struct{ s *Store }

func (p months) Open(ctx context.Context, month key.Month) error {
	return p.s.do(ctx, "months.open", func() error {
		if open, known := p.s.months[month]; known && !open {
			return fmt.Errorf("%w: %s is closed", port.ErrInvalid, month)
		}
		p.s.months[month] = true
		return nil
	})
}

func (p months) Close(ctx context.Context, month key.Month) error {
	return p.s.do(ctx, "months.close", func() error {
		if _, known := p.s.months[month]; !known {
			return fmt.Errorf("%w: %s: %w", port.ErrNotFound, month, errNoRoom)
		}
		p.s.months[month] = false
		return nil
	})
}

func (p months) List(ctx context.Context) ([]key.Month, error) {
	return read(ctx, p.s, "months.list", func() ([]key.Month, error) {
		var open []key.Month
		for month, isOpen := range p.s.months {
			if isOpen {
				open = append(open, month)
			}
		}
		slices.Sort(open)
		return open, nil
	})
}

// Control is the store as port.Control. Operations: control.halted, control.set_halt.
func (s *Store) Control() port.Control { return control{s} }

type control struct{ s *Store }

func (p control) Halted(ctx context.Context) (port.Halt, error) {
	return read(ctx, p.s, "control.halted", func() (port.Halt, error) { return p.s.halt, nil })
}

func (p control) SetHalt(ctx context.Context, halt port.Halt) error {
	halt.Since = instant(halt.Since)
	return p.s.do(ctx, "control.set_halt", func() error {
		p.s.halt = halt
		return nil
	})
}
