package postgres

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
)

// Control stores the switch that halts everything that goes out.
type Control struct{ db pool }

var _ port.Control = Control{}

// NewControl returns the switch of a database.
func NewControl(db *sqlx.DB) Control { return Control{newPool(db)} }

// Halted implements port.Control.
func (p Control) Halted(ctx context.Context) (port.Halt, error) {
	var halt port.Halt
	err := read(ctx, p.db, "read the halt", func(ctx context.Context, s *session) error {
		return s.one(ctx, "read the halt", `/* halted */ SELECT c.halted, c.actor, c.reason, c.since FROM dispatch_control c`, nil,
			&halt.On, &halt.Actor, &halt.Reason, utc(&halt.Since))
	})
	return halt, err
}

const setHaltSQL = `/* set_halt */ UPDATE dispatch_control c
SET halted = $1, actor = $2, reason = $3, since = coalesce($4::timestamptz, clock_timestamp())
WHERE c.halted <> $1`

// SetHalt implements port.Control.
func (p Control) SetHalt(ctx context.Context, on bool, by port.Act) error {
	return write(ctx, p.db, "set the halt", func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, "set the halt", setHaltSQL, on, clean(by.Actor), clean(by.Reason), instant(by.At))
		if err != nil || n == 0 {
			return err
		}
		return s.audit(ctx, port.HaltEntry(on, by))
	})
}

// ChannelHalts stores the switches that halt single channels.
type ChannelHalts struct{ db pool }

var _ port.ChannelHalts = ChannelHalts{}

// NewChannelHalts returns the switches of a database.
func NewChannelHalts(db *sqlx.DB) ChannelHalts { return ChannelHalts{newPool(db)} }

const channelHaltsSQL = `/* channel_halts */ SELECT c.channel, c.halted, c.share, c.actor, c.reason, c.since FROM channel_halts c ORDER BY c.channel COLLATE "C"`

// All implements port.ChannelHalts.
func (p ChannelHalts) All(ctx context.Context) (all []port.ChannelHalt, err error) {
	const what = "read the halts of channels"
	err = read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, channelHaltsSQL, nil, func(scan func(...any) error) error {
			var h port.ChannelHalt
			err := scan(&h.Channel, &h.On, &h.Share, &h.Actor, &h.Reason, utc(&h.Since))
			all = append(all, h)
			return err
		})
	})
	return all, err
}

// setChannelHaltSQL makes no row for a halt that is lifted and never was.
const setChannelHaltSQL = `/* set_channel_halt */ INSERT INTO channel_halts AS c (channel, halted, share, actor, reason, since)
SELECT $1::text, $2::boolean, $3::smallint, $4::text, $5::text, coalesce($6::timestamptz, clock_timestamp())
WHERE $2::boolean OR EXISTS (SELECT FROM channel_halts h WHERE h.channel = $1::text)
ON CONFLICT (channel) DO UPDATE SET halted = excluded.halted, share = excluded.share, actor = excluded.actor, reason = excluded.reason, since = excluded.since
WHERE c.halted <> excluded.halted`

// Set implements port.ChannelHalts.
func (p ChannelHalts) Set(ctx context.Context, kind channel.Kind, on bool, share int, by port.Act) error {
	const what = "set the halt of a channel"
	above, err := port.ValidShare(share)
	if err != nil || !kind.Valid() {
		return fmt.Errorf("%s: %w: %q", what, cmp.Or(err, port.ErrInvalid), kind)
	}
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		n, err := s.exec(ctx, what, setChannelHaltSQL, string(kind), on, above, clean(by.Actor), clean(by.Reason), instant(by.At))
		if err != nil || n == 0 {
			return err
		}
		return s.audit(ctx, port.ChannelHaltEntry(kind, on, share, by))
	})
}
