package postgres

import (
	"fmt"
	"strconv"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/window"
)

// optedOutShift is how many bits suppressions of advertising lie above those of everything in what targetColumns reads.
const optedOutShift = 8

// targetColumns are the columns of billing_targets t that readTarget scans. What is suppressed is as of the moment of
// reading. It may be out of date a moment later, which does no harm: delivery looks again.
var targetColumns = `t.user_id, t.batch_status, t.dispatch_status, t.attempt, t.round, t.step, t.requeues, t.policy_id, t.policy_version,
  t.available_at, t.requested_at, t.run_id, t.deadline, t.quiet_from, t.quiet_to, t.quiet_zone, t.reachable, t.wished_channel,
  t.pause_reason, t.wish, t.last_rule, t.last_decision, t.last_error,
  (SELECT coalesce(bit_or((` + channelBits("s.channel") + `) << CASE s.scope WHEN 'advertising' THEN ` + strconv.Itoa(optedOutShift) + ` ELSE 0 END), 0) FROM suppressions s WHERE s.user_id = ` + customerID("t.user_id") + `)`

// readTarget reads one row of targetColumns.
func (p pool) readTarget(month key.Month, scan func(...any) error) (billing.Target, error) {
	s := billing.State{Key: key.Target{Month: month}}
	var from, to time.Time
	var zone string
	var reachable uint8
	var suppressed uint16
	err := scan(&s.Key.UserID, &s.Batch, &s.Dispatch, &s.Attempt, &s.Round, &s.Step, &s.Requeues,
		optional(&s.Policy.ID), optional(&s.Policy.Version), utc(&s.AvailableAt), utc(&s.RequestedAt), optional(&s.RunID),
		utc(&s.Deadline), utc(&from), utc(&to), optional(&zone), &reachable, optional(&s.Wished),
		optional(&s.Pause), optional(&s.PendingEnd), optional(&s.LastRule), optional(&s.LastDecision), optional(&s.LastError), &suppressed)
	if err != nil {
		return billing.Target{}, err
	}
	s.Reachable, s.Suppressed, s.OptedOut = channel.Set(reachable), channel.Set(suppressed), channel.Set(suppressed>>optedOutShift)
	switch {
	case zone == "":
	case from.Equal(to): // both are NULL
		s.Zone, err = p.zones.Find(zone)
	default:
		s.Quiet, err = p.quietHours(from, to, zone)
	}
	if err != nil {
		return billing.Target{}, fmt.Errorf("quiet hours of %s: %w", s.Key, err)
	}
	return billing.Restore(s)
}

func (p pool) quietHours(from, to time.Time, name string) (window.Forbidden, error) {
	zone, err := p.zones.Find(name)
	if err != nil {
		return window.Forbidden{}, err
	}
	minute := func(t time.Time) window.Minute { return window.Minute(t.Hour()*60 + t.Minute()) }
	return window.NewForbidden(minute(from), minute(to), zone)
}

// quietColumns returns a window as three columns, empty if there is none.
func quietColumns(w window.Forbidden) (from, to, zone string) {
	if w.IsZero() {
		return "", "", ""
	}
	return w.From().String(), w.To().String(), w.Zone().String()
}

// ownQuietColumns returns a customer's own quiet hours as three columns; of a customer without, the zone alone, if known.
func ownQuietColumns(s *billing.State) (from, to, zone string) {
	if s.Zone != nil && s.Quiet.IsZero() {
		return "", "", s.Zone.String()
	}
	return quietColumns(s.Quiet)
}
