package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Months is the store as port.Months. Operations: months.open, months.close, months.reopen, months.started, months.list, months.all.
func (s *Store) Months() port.Months { return months{s} }

type months struct{ s *Store }

func (p months) Open(ctx context.Context, month key.Month) error {
	return p.s.do(ctx, "months.open", func() error {
		state, known := p.s.months[month]
		if known && !state.Open {
			return fmt.Errorf("%w: %s is closed", port.ErrInvalid, month)
		}
		if !known {
			p.s.months[month] = port.MonthState{Month: month, Open: true, OpenedAt: p.s.now()}
		}
		return nil
	})
}

func (p months) Close(ctx context.Context, month key.Month, left string, by port.Act) error {
	return p.s.audited(ctx, "months.close", func() error {
		state, known := p.s.months[month]
		if !known {
			return fmt.Errorf("%w: %s: %w", port.ErrNotFound, month, errNotOpened)
		}
		if state.Open {
			state.Open, state.ClosedAt = false, p.s.now()
			p.s.months[month] = state
			p.s.note(port.CloseMonthEntry(month, left, by).Action, month.String(), by)
		}
		return nil
	})
}

func (p months) Reopen(ctx context.Context, month key.Month, by port.Act) error {
	return p.s.audited(ctx, "months.reopen", func() error {
		state, known := p.s.months[month]
		switch {
		case !known:
			return fmt.Errorf("%w: %s: %w", port.ErrNotFound, month, errNotOpened)
		case !state.DroppedAt.IsZero():
			return fmt.Errorf("%w: the bills of %s were removed", port.ErrInvalid, month)
		case !state.Open:
			state.Open, state.ClosedAt = true, time.Time{}
			p.s.months[month] = state
			p.s.note(port.ActionReopenMonth, month.String(), by)
		}
		return nil
	})
}

func (p months) DispatchStarted(ctx context.Context, month key.Month) (bool, error) {
	return read(ctx, p.s, "months.started", func() (bool, error) {
		for k, b := range p.s.bills {
			if k.Month == month && b.state.Dispatch == billing.Requested {
				return true, nil
			}
		}
		for k, rows := range p.s.ledger {
			for _, row := range rows {
				if k.Month == month && row.State != attempt.Revoked {
					return true, nil
				}
			}
		}
		return false, nil
	})
}

func (p months) List(ctx context.Context) ([]key.Month, error) {
	return read(ctx, p.s, "months.list", func() ([]key.Month, error) {
		var open []key.Month
		for month, state := range p.s.months {
			if state.Open {
				open = append(open, month)
			}
		}
		slices.Sort(open)
		return open, nil
	})
}

func (p months) All(ctx context.Context) ([]port.MonthState, error) {
	return read(ctx, p.s, "months.all", func() ([]port.MonthState, error) {
		return slices.SortedFunc(maps.Values(p.s.months), func(a, b port.MonthState) int { return cmp.Compare(a.Month, b.Month) }), nil
	})
}

// Control is the store as port.Control. Operations: control.halted, control.set_halt.
func (s *Store) Control() port.Control { return control{s} }

type control struct{ s *Store }

func (p control) Halted(ctx context.Context) (port.Halt, error) {
	return read(ctx, p.s, "control.halted", func() (port.Halt, error) { return p.s.halt, nil })
}

func (p control) SetHalt(ctx context.Context, on bool, by port.Act) error {
	return p.s.audited(ctx, "control.set_halt", func() error {
		if on == p.s.halt.On {
			return nil
		}
		p.s.halt = port.Halt{On: on, Actor: by.Actor, Reason: by.Reason, Since: p.s.dated(by).At}
		entry := port.HaltEntry(on, by)
		p.s.note(entry.Action, entry.Subject, by)
		return nil
	})
}

// ChannelHalts is the store as port.ChannelHalts. Operations: channel_halts.all, channel_halts.set.
func (s *Store) ChannelHalts() port.ChannelHalts { return channelHalts{s} }

type channelHalts struct{ s *Store }

func (p channelHalts) All(ctx context.Context) ([]port.ChannelHalt, error) {
	return read(ctx, p.s, "channel_halts.all", func() ([]port.ChannelHalt, error) {
		return slices.SortedFunc(maps.Values(p.s.channelHalts), func(a, b port.ChannelHalt) int { return cmp.Compare(a.Channel, b.Channel) }), nil
	})
}

func (p channelHalts) Set(ctx context.Context, kind channel.Kind, on bool, share int, by port.Act) error {
	above, err := port.ValidShare(share)
	if err != nil || !kind.Valid() {
		return fmt.Errorf("set the halt of a channel: %w: %q", cmp.Or(err, port.ErrInvalid), kind)
	}
	return p.s.audited(ctx, "channel_halts.set", func() error {
		if on == p.s.channelHalts[kind].On {
			return nil
		}
		halt := port.Halt{On: on, Actor: by.Actor, Reason: by.Reason, Since: p.s.dated(by).At}
		p.s.channelHalts[kind] = port.ChannelHalt{Channel: kind, Halt: halt, Share: above}
		entry := port.ChannelHaltEntry(kind, on, share, by)
		p.s.note(entry.Action, entry.Subject, by)
		return nil
	})
}
