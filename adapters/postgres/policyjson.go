package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

// specEncoding is the version of the encoding below. It is raised when the meaning of a field changes; adding fields
// does not raise it.
const specEncoding = 1

// storedSpec is a policy.Spec as policy_versions.spec holds it. Durations are as time.Duration prints them ("10m0s"),
// times of day "21:00", time zones IANA names; channels, failure classes and the like have their own names.
type storedSpec struct {
	Encoding      int                                    `json:"encoding"`
	Name          string                                 `json:"name"`
	Route         []storedLeg                            `json:"route"`
	Backoff       map[attempt.FailureClass]storedBackoff `json:"backoff"`
	PublishRetry  storedBackoff                          `json:"publish_retry"`
	QuietHours    *storedWindow                          `json:"quiet_hours,omitempty"`
	QuietChannels []channel.Kind                         `json:"quiet_channels"`
	Zone          string                                 `json:"zone"`
	Class         policy.MessageClass                    `json:"class"`
	Deadline      storedDuration                         `json:"deadline"`
	Unknown       map[channel.Kind]attempt.UnknownPolicy `json:"unknown"`
	Undelivered   map[channel.Kind]policy.Undelivered    `json:"undelivered,omitempty"`
	CallDeadline  storedDuration                         `json:"call_deadline"`
	MaxRounds     int16                                  `json:"max_rounds"`
	MaxRequeues   int16                                  `json:"max_requeues"`
}

type storedLeg struct {
	Channel channel.Kind `json:"channel"`
	Tries   int          `json:"tries"`
}

type storedBackoff struct {
	Base   storedDuration `json:"base"`
	Factor float64        `json:"factor"`
	Max    storedDuration `json:"max"`
}

type storedWindow struct {
	From string `json:"from"`
	To   string `json:"to"`
	Zone string `json:"zone"`
}

type storedDuration time.Duration

// MarshalText implements encoding.TextMarshaler: "10m0s".
func (d storedDuration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *storedDuration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = storedDuration(parsed)
	return err
}

func encodeBackoff(b attempt.Backoff) storedBackoff {
	return storedBackoff{Base: storedDuration(b.Base), Factor: b.Factor, Max: storedDuration(b.Max)}
}

func (b storedBackoff) decode() attempt.Backoff {
	return attempt.Backoff{Base: time.Duration(b.Base), Factor: b.Factor, Max: time.Duration(b.Max)}
}

// encodeSpec encodes a spec that policy.New has checked.
func encodeSpec(spec policy.Spec) ([]byte, error) {
	stored := storedSpec{
		Encoding: specEncoding, Name: spec.Name, Class: spec.Class, Zone: spec.Zone.String(),
		Route:   each(spec.Route, func(l *policy.Leg) storedLeg { return storedLeg(*l) }),
		Backoff: map[attempt.FailureClass]storedBackoff{}, PublishRetry: encodeBackoff(spec.PublishRetry),
		QuietChannels: spec.QuietChannels.Kinds(), Unknown: spec.Unknown, Undelivered: spec.Undelivered,
		Deadline: storedDuration(spec.Deadline), CallDeadline: storedDuration(spec.CallDeadline),
		MaxRounds: spec.MaxRounds, MaxRequeues: spec.MaxRequeues,
	}
	for class, backoff := range spec.Backoff {
		stored.Backoff[class] = encodeBackoff(backoff)
	}
	if from, to, zone := quietColumns(spec.QuietHours); zone != "" {
		stored.QuietHours = &storedWindow{From: from, To: to, Zone: zone}
	}
	return json.Marshal(stored)
}

var errEncoding = errors.New("a policy that this program cannot read")

// decodeSpec decodes what encodeSpec wrote.
func decodeSpec(encoded []byte) (policy.Spec, error) {
	var stored storedSpec
	if err := json.Unmarshal(encoded, &stored); err != nil {
		return policy.Spec{}, fmt.Errorf("%w: %w", errEncoding, err)
	}
	if stored.Encoding != specEncoding {
		return policy.Spec{}, fmt.Errorf("%w: its encoding is %d, known is %d: a newer program wrote it", errEncoding, stored.Encoding, specEncoding)
	}
	zone, err := window.Zone(stored.Zone)
	if err != nil {
		return policy.Spec{}, fmt.Errorf("%w: %w", errEncoding, err)
	}
	spec := policy.Spec{
		Name: stored.Name, Class: stored.Class, Zone: zone,
		Route:   each(stored.Route, func(l *storedLeg) policy.Leg { return policy.Leg(*l) }),
		Backoff: map[attempt.FailureClass]attempt.Backoff{}, PublishRetry: stored.PublishRetry.decode(),
		QuietChannels: channel.NewSet(stored.QuietChannels...), Unknown: stored.Unknown, Undelivered: stored.Undelivered,
		Deadline: time.Duration(stored.Deadline), CallDeadline: time.Duration(stored.CallDeadline),
		MaxRounds: stored.MaxRounds, MaxRequeues: stored.MaxRequeues,
	}
	for class, backoff := range stored.Backoff {
		spec.Backoff[class] = backoff.decode()
	}
	if stored.QuietHours != nil {
		spec.QuietHours, err = stored.QuietHours.decode()
	}
	return spec, err
}

func (w storedWindow) decode() (window.Forbidden, error) {
	from, err := window.ParseMinute(w.From)
	if err != nil {
		return window.Forbidden{}, fmt.Errorf("%w: %w", errEncoding, err)
	}
	to, err := window.ParseMinute(w.To)
	if err != nil {
		return window.Forbidden{}, fmt.Errorf("%w: %w", errEncoding, err)
	}
	zone, err := window.Zone(w.Zone)
	if err != nil {
		return window.Forbidden{}, fmt.Errorf("%w: %w", errEncoding, err)
	}
	return window.NewForbidden(from, to, zone)
}
