package operate

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/wording"
)

// Halt stops everything that goes out, and returns the halt. Calls under way are not cut short. ErrAlready, with that halt,
// where somebody has halted everything before: who and why stay as they are.
func (o *Operator) Halt(ctx context.Context, by port.Act) (port.Halt, error) {
	return o.setHalt(ctx, true, by)
}

// LiftHalt lifts the halt. ErrAlready, with who lifted the last one, where there is none.
func (o *Operator) LiftHalt(ctx context.Context, by port.Act) (port.Halt, error) {
	return o.setHalt(ctx, false, by)
}

func (o *Operator) setHalt(ctx context.Context, on bool, by port.Act) (halt port.Halt, err error) {
	mine := false
	err = o.do(ctx, by, func(ctx context.Context, by port.Act) (err error) {
		if err = o.Control.SetHalt(ctx, on, by); err != nil {
			return err
		}
		halt, err = o.Control.Halted(ctx)
		mine = halt.On == on && halt.Actor == by.Actor && halt.Reason == by.Reason && halt.Since.Equal(by.At)
		return err
	})
	if err == nil && !mine {
		err = ErrAlready
	}
	return halt, err
}

// HaltChannel stops everything that goes out by a channel, and returns the halt. Who was refused on it and would continue on another one
// waits too. Calls under way are not cut short. ErrAlready, with that halt, where the channel is halted.
func (o *Operator) HaltChannel(ctx context.Context, kind channel.Kind, by port.Act) (port.ChannelHalt, error) {
	return o.setChannelHalt(ctx, kind, true, 0, by)
}

// LiftChannelHalt lifts the halt of a channel. Until the next one it is halted above a share of refusals, in percent; 0: the usual one.
// ErrAlready, with who lifted the last one, where there is none.
func (o *Operator) LiftChannelHalt(ctx context.Context, kind channel.Kind, share int, by port.Act) (port.ChannelHalt, error) {
	return o.setChannelHalt(ctx, kind, false, share, by)
}

func (o *Operator) setChannelHalt(ctx context.Context, kind channel.Kind, on bool, share int, by port.Act) (halt port.ChannelHalt, err error) {
	mine := false
	err = o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		if err := o.ChannelHalts.Set(ctx, kind, on, share, by); err != nil {
			return err
		}
		all, err := o.ChannelHalts.All(ctx)
		for _, h := range all {
			if h.Channel == kind {
				halt = h
			}
		}
		mine = halt.On == on && halt.Actor == by.Actor && halt.Reason == by.Reason && halt.Since.Equal(by.At)
		return err
	})
	if err == nil && !mine {
		err = ErrAlready
	}
	return halt, err
}

// do runs an act that the port audits itself, at one time however often it is tried.
func (o *Operator) do(ctx context.Context, by port.Act, act func(ctx context.Context, by port.Act) error) error {
	if err := o.check(by); err != nil {
		return err
	}
	by.At = o.Clock.Now().Truncate(time.Microsecond) // as it is stored
	return o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error { return act(ctx, by) })
}

// CloseMonth closes a month for runs that do not name it. ErrAlready where it is closed. It is refused, with billing.ErrRefused, while bills have not
// come to an end or refused rows have not come in, unless anyway is set.
func (o *Operator) CloseMonth(ctx context.Context, month key.Month, anyway bool, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	open, known, err := o.isOpen(ctx, month)
	if err != nil {
		return err
	}
	if known && !open {
		return ErrAlready
	}
	left, look, err := o.left(ctx, month)
	switch {
	case err != nil:
		return err
	case left != "" && !anyway:
		return fmt.Errorf("%w: %s is not finished: %s%s; bring them to an end, or close it with --force: then only a run that names the month takes what is left",
			billing.ErrRefused, month, left, look)
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Months.Close(ctx, month, left, by) })
}

// isOpen reports whether a month is open, and whether it was ever opened.
func (o *Operator) isOpen(ctx context.Context, month key.Month) (open, known bool, err error) {
	err = o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error {
		all, err := o.Months.All(ctx)
		for _, state := range all {
			if state.Month == month {
				open, known = state.Open, true
			}
		}
		return err
	})
	return open, known, err
}

// ReopenMonth takes the closing of a month back. ErrAlready where it is open. It is refused where the month's bills were removed.
func (o *Operator) ReopenMonth(ctx context.Context, month key.Month, by port.Act) error {
	if err := o.check(by); err != nil {
		return err
	}
	if open, _, err := o.isOpen(ctx, month); err != nil || open {
		return cmp.Or(err, ErrAlready)
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error { return o.Months.Reopen(ctx, month, by) })
}

// left says what has not come to an end in a month, "" where everything has, and where to look at it.
func (o *Operator) left(ctx context.Context, month key.Month) (text, look string, err error) {
	var f port.Funnel
	err = o.watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		f, err = o.Report.Funnel(ctx, month)
		return err
	})
	if err != nil {
		return "", "", err
	}
	var left []string
	for _, status := range billing.Statuses {
		if n := f.Dispatch[status]; n > 0 && !status.Final() {
			left = append(left, fmt.Sprintf("%d %s", n, status))
		}
	}
	for _, status := range billing.Statuses {
		if n := f.Copies[status]; n > 0 && !status.Final() {
			left = append(left, fmt.Sprintf("copies of bills: %d %s", n, status))
			look = " (`balsong target copies` lists the copies)"
		}
	}
	if f.Rejected > 0 {
		left = append(left, wording.Count(f.Rejected, "row", "rows")+" refused at the import")
		look += fmt.Sprintf(" (`batch import refused --month %s` lists the rows)", month)
	}
	return strings.Join(left, ", "), look, nil
}

// AuditExport records, before it happens, that a month's unreached customers are exported.
func (o *Operator) AuditExport(ctx context.Context, month key.Month, destinations bool, by port.Act) error {
	entry := port.AuditEntry{Action: port.ActionExport, Subject: month.String()}
	if destinations {
		entry.Action = port.ActionExportDestination
	}
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		entry.By = by
		return o.Audit.Record(ctx, entry)
	})
}

// Suppress adds a customer's channel to the suppression list, for the messages of a scope. ErrAlready where it is on it with
// that scope; billing.ErrRefused where the entry has a wider one, which would stay in force.
func (o *Operator) Suppress(ctx context.Context, contact port.Contact, scope policy.Scope, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		entry, err := o.suppression(ctx, contact)
		switch {
		case err != nil:
			return err
		case entry.Scope == scope:
			return ErrAlready
		case entry.Scope == policy.ScopeAll:
			return fmt.Errorf("%w: the scope %q is in force on %s (%s), which keeps bills back too; to narrow it to %q, lift it first (--lift)", billing.ErrRefused, entry.Scope, contact.Channel, entry.Reason, scope)
		}
		return o.Suppressions.Suppress(ctx, scope, []port.Contact{contact}, by)
	})
}

// Unsuppress takes a customer's channel off the suppression list, whatever the entry's scope. ErrAlready where it is not on it.
func (o *Operator) Unsuppress(ctx context.Context, contact port.Contact, by port.Act) error {
	return o.do(ctx, by, func(ctx context.Context, by port.Act) error {
		switch entry, err := o.suppression(ctx, contact); {
		case err != nil:
			return err
		case entry.Scope == "":
			return ErrAlready
		}
		return o.Suppressions.Lift(ctx, []port.Contact{contact}, by)
	})
}

// suppression returns the entry of a contact; the zero one where it has none.
func (o *Operator) suppression(ctx context.Context, contact port.Contact) (port.Suppression, error) {
	entries, err := o.Suppressions.List(ctx, port.OfCustomer(contact.UserID))
	for _, entry := range entries {
		if entry.Channel == contact.Channel {
			return entry, err
		}
	}
	return port.Suppression{}, err
}
