package operatorapp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
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

// duration is written as in "10m"; it is read with its field, which JSON's own errors about a text do not name.
type duration string

// ReadPolicy reads a policy file. Its error is a *policy.Invalid that lists every problem with its field and reason.
func ReadPolicy(r io.Reader) (policy.Spec, error) {
	var f policyFile
	decoder := json.NewDecoder(io.LimitReader(r, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return policy.Spec{}, &policy.Invalid{Problems: []policy.Problem{unreadable(err)}}
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return policy.Spec{}, &policy.Invalid{Problems: []policy.Problem{{Field: "file", Reason: "has text behind the policy"}}}
	}
	reading := &policyReading{}
	spec := reading.spec(f)
	for _, p := range spec.Problems() {
		if !slices.ContainsFunc(reading.problems, func(known policy.Problem) bool { return within(known.Field, p.Field) }) {
			reading.problems = append(reading.problems, p)
		}
	}
	if len(reading.problems) > 0 {
		return spec, &policy.Invalid{Problems: reading.problems}
	}
	return spec, nil
}

// within reports whether a problem of the file ("route[0].channel") is what a problem of the spec ("route") comes from.
func within(known, field string) bool {
	return known == field || strings.HasPrefix(known, field+"[") || strings.HasPrefix(known, field+".")
}

func unreadable(err error) policy.Problem {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field != "" {
		return policy.Problem{Field: wrongType.Field, Reason: fmt.Sprintf("is a %s (want %s)", wrongType.Value, wanted(wrongType.Type))}
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown { // the error has no type of its own
		return policy.Problem{Field: strings.Trim(name, `"`), Reason: "is no field there (docs/operations/policy.md lists them)"}
	}
	return policy.Problem{Field: "file", Reason: "is not the JSON it should be: " + err.Error()}
}

// wanted says in JSON's words what a field takes.
func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[duration]():
		return `a duration in quotes, such as "90s", "10m" or "36h"`
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Slice:
		return "a list"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "an object"
	case t.Kind() == reflect.Float64:
		return "a number"
	default:
		return "a whole number"
	}
}

// policyReading turns a file into a spec and gathers what is wrong with it.
type policyReading struct{ problems []policy.Problem }

func (r *policyReading) bad(field string, err error) {
	r.problems = append(r.problems, policy.Problem{Field: field, Reason: err.Error()})
}

func (r *policyReading) duration(field string, text duration) time.Duration {
	if text == "" {
		return 0
	}
	parsed, err := time.ParseDuration(string(text))
	if err != nil {
		r.bad(field, fmt.Errorf("%q is not a duration such as 90s, 10m or 36h", string(text)))
	}
	return parsed
}

func (r *policyReading) backoff(field string, b backoffFile) attempt.Backoff {
	return attempt.Backoff{Base: r.duration(field+".base", b.Base), Factor: b.Factor, Max: r.duration(field+".max", b.Max)}
}

func (r *policyReading) spec(f policyFile) policy.Spec {
	s := policy.Spec{
		Name: f.Name, Class: policy.MessageClass(f.Class), Deadline: r.duration("deadline", f.Deadline),
		CallDeadline: r.duration("call_deadline", f.CallDeadline), MaxRounds: f.MaxRounds, MaxRequeues: f.MaxRequeues,
		Backoff: map[attempt.FailureClass]attempt.Backoff{}, Unknown: map[channel.Kind]attempt.UnknownPolicy{},
	}
	var err error
	if s.Zone, err = window.Zone(f.Zone); err != nil {
		r.bad("zone", err)
	}
	for i, leg := range f.Route {
		kind, err := channel.Parse(leg.Channel)
		if err != nil {
			r.bad(fmt.Sprintf("route[%d].channel", i), err)
		}
		if leg.Tries < 1 || leg.Tries > policy.MaxSteps {
			r.bad(fmt.Sprintf("route[%d].tries", i), fmt.Errorf("is %d (want 1 to %d)", leg.Tries, policy.MaxSteps))
		}
		s.Route = append(s.Route, policy.Leg{Channel: kind, Tries: leg.Tries})
	}
	for _, class := range slices.Sorted(maps.Keys(f.Backoff)) {
		s.Backoff[attempt.FailureClass(class)] = r.backoff("backoff."+class, f.Backoff[class])
	}
	if f.PublishRetry != nil {
		s.PublishRetry = r.backoff("publish_retry", *f.PublishRetry)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Unknown)) {
		kind, err := channel.Parse(name)
		if err != nil {
			r.bad("unknown."+name, err)
			continue
		}
		s.Unknown[kind] = attempt.UnknownPolicy(f.Unknown[name])
	}
	r.quiet(f, &s)
	return s
}

func (r *policyReading) quiet(f policyFile, s *policy.Spec) {
	if f.QuietHours == nil {
		return
	}
	from, err := window.ParseMinute(f.QuietHours.From)
	if err != nil {
		r.bad("quiet_hours.from", err)
	}
	to, errTo := window.ParseMinute(f.QuietHours.To)
	if errTo != nil {
		r.bad("quiet_hours.to", errTo)
	}
	if err == nil && errTo == nil && s.Zone != nil {
		if s.QuietHours, err = window.NewForbidden(from, to, s.Zone); err != nil {
			r.bad("quiet_hours", err)
		}
	}
	if len(f.QuietHours.Channels) == 0 {
		s.QuietChannels = channel.NewSet(channel.All...)
	}
	for i, name := range f.QuietHours.Channels {
		kind, err := channel.Parse(name)
		if err != nil {
			r.bad(fmt.Sprintf("quiet_hours.channels[%d]", i), err)
		}
		s.QuietChannels |= channel.NewSet(kind)
	}
}
