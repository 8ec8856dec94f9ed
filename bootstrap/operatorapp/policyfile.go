package operatorapp

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// policyFile is a policy as an operator writes it, in JSON. Durations are written as in "10m", times of day as in
// "21:00".
type policyFile struct {
	Name  string `json:"name"`
	Zone  string `json:"zone"`
	Class string `json:"class"`
	Route []struct {
		Channel string `json:"channel"`
		Tries   int    `json:"tries"`
	} `json:"route"`
	Backoff      map[string]backoffFile `json:"backoff"`
	PublishRetry *backoffFile           `json:"publish_retry"`
	QuietHours   *struct {
		From     string   `json:"from"`
		To       string   `json:"to"`
		Channels []string `json:"channels"`
	} `json:"quiet_hours"`
	Deadline     duration          `json:"deadline"`
	CallDeadline duration          `json:"call_deadline"`
	Unknown      map[string]string `json:"unknown"`
	MaxRounds    int16             `json:"max_rounds"`
	MaxRequeues  int16             `json:"max_requeues"`
}

type backoffFile struct {
	Base   duration `json:"base"`
	Factor float64  `json:"factor"`
	Max    duration `json:"max"`
}

func (b backoffFile) backoff() attempt.Backoff {
	return attempt.Backoff{Base: time.Duration(b.Base), Factor: b.Factor, Max: time.Duration(b.Max)}
}

type duration time.Duration

// UnmarshalText reads "10m".
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 90s, 10m or 36h", text)
	}
	*d = duration(parsed)
	return nil
}

// ReadPolicy reads a policy file. Its error wraps policy.ErrInvalid and names the field and the reason.
func ReadPolicy(r io.Reader) (policy.Spec, error) {
	var f policyFile
	decoder := json.NewDecoder(io.LimitReader(r, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return policy.Spec{}, fmt.Errorf("%w: the file is not the JSON it should be: %w", policy.ErrInvalid, err)
	}
	spec, err := f.spec()
	if err != nil {
		return spec, err
	}
	_, err = policy.New(policy.Ref{ID: 1, Version: 1}, spec)
	return spec, err
}

func (f policyFile) spec() (policy.Spec, error) {
	bad := func(field string, err error) (policy.Spec, error) {
		return policy.Spec{}, fmt.Errorf("%w: %s: %w", policy.ErrInvalid, field, err)
	}
	zone, err := window.Zone(f.Zone)
	if err != nil {
		return bad("zone", err)
	}
	s := policy.Spec{
		Name: f.Name, Zone: zone, Class: policy.MessageClass(f.Class), Deadline: time.Duration(f.Deadline),
		CallDeadline: time.Duration(f.CallDeadline), MaxRounds: f.MaxRounds, MaxRequeues: f.MaxRequeues,
		Backoff: map[attempt.FailureClass]attempt.Backoff{}, Unknown: map[channel.Kind]attempt.UnknownPolicy{},
	}
	for i, leg := range f.Route {
		kind, err := channel.Parse(leg.Channel)
		if err != nil {
			return bad(fmt.Sprintf("route[%d].channel", i), err)
		}
		s.Route = append(s.Route, policy.Leg{Channel: kind, Tries: leg.Tries})
	}
	for class, b := range f.Backoff {
		s.Backoff[attempt.FailureClass(class)] = b.backoff()
	}
	if f.PublishRetry != nil {
		s.PublishRetry = f.PublishRetry.backoff()
	}
	for name, unknown := range f.Unknown {
		kind, err := channel.Parse(name)
		if err != nil {
			return bad("unknown", err)
		}
		s.Unknown[kind] = attempt.UnknownPolicy(unknown)
	}
	return s, f.quiet(&s)
}

func (f policyFile) quiet(s *policy.Spec) error {
	if f.QuietHours == nil {
		return nil
	}
	from, err := window.ParseMinute(f.QuietHours.From)
	if err != nil {
		return fmt.Errorf("%w: quiet_hours.from: %w", policy.ErrInvalid, err)
	}
	to, err := window.ParseMinute(f.QuietHours.To)
	if err != nil {
		return fmt.Errorf("%w: quiet_hours.to: %w", policy.ErrInvalid, err)
	}
	if s.QuietHours, err = window.NewForbidden(from, to, s.Zone); err != nil {
		return fmt.Errorf("%w: quiet_hours: %w", policy.ErrInvalid, err)
	}
	if len(f.QuietHours.Channels) == 0 {
		s.QuietChannels = channel.NewSet(channel.All...)
	}
	for _, name := range f.QuietHours.Channels {
		kind, err := channel.Parse(name)
		if err != nil {
			return fmt.Errorf("%w: quiet_hours.channels: %w", policy.ErrInvalid, err)
		}
		s.QuietChannels |= channel.NewSet(kind)
	}
	return nil
}
