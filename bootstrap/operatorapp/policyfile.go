package operatorapp

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
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
	Undelivered  map[string]string `json:"undelivered"`
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

// ReadPolicy reads a policy file. Its error is a *policy.Invalid that lists every problem with its field, its line where it stands
// in the file, and reason, in the order of the file.
func ReadPolicy(r io.Reader) (policy.Spec, error) {
	text, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		return policy.Spec{}, err
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // as editors on Windows write it
	var f policyFile
	shape := readShape(text, &f)
	if slices.ContainsFunc(shape.problems, func(p policy.Problem) bool { return p.Field == "file" }) {
		return policy.Spec{}, shape.invalid(shape.problems) // what is missing may stand in what was not read
	}
	reading := &policyReading{problems: shape.problems}
	spec := reading.spec(f)
	for _, p := range spec.Problems() {
		reading.add(p)
	}
	if len(reading.problems) > 0 {
		return spec, shape.invalid(reading.problems)
	}
	return spec, nil
}

// invalid is the error about some problems: those that stand in the file in its order, then what is missing.
func (s *policyShape) invalid(problems []policy.Problem) error {
	for i := range problems {
		problems[i].Line = s.line(problems[i].Field)
	}
	slices.SortStableFunc(problems, func(a, b policy.Problem) int {
		return cmp.Or(cmp.Compare(uint(a.Line-1), uint(b.Line-1)), cmp.Compare(s.places[a.Field], s.places[b.Field])) // line 0 comes last
	})
	return &policy.Invalid{Problems: problems}
}

// follows reports whether a problem ("route", "route[0].channel") comes from a known one ("route[0].channel", "route[0]"): of a
// part of it, or of what it is a part of.
func follows(field, known string) bool {
	within := func(part, whole string) bool {
		return strings.HasPrefix(part, whole+"[") || strings.HasPrefix(part, whole+".")
	}
	return known == field || within(known, field) || within(field, known)
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
	case t.Kind() == reflect.Int16:
		return fmt.Sprintf("a whole number up to %d", math.MaxInt16)
	default:
		return "a whole number"
	}
}

// policyReading turns a file into a spec and gathers what is wrong with it.
type policyReading struct{ problems []policy.Problem }

func (r *policyReading) bad(field string, err error) {
	r.add(policy.Problem{Field: field, Reason: err.Error()})
}

// add adds a problem unless it comes from one that is known.
func (r *policyReading) add(p policy.Problem) {
	if !slices.ContainsFunc(r.problems, func(known policy.Problem) bool { return follows(p.Field, known.Field) }) {
		r.problems = append(r.problems, p)
	}
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
		Undelivered: map[channel.Kind]policy.Undelivered{},
	}
	var err error
	if f.Zone != "" { // it is told below that it is missing
		if s.Zone, err = window.Zone(f.Zone); err != nil {
			r.bad("zone", err)
		}
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
	byChannel(r, "unknown", f.Unknown, s.Unknown)
	byChannel(r, "undelivered", f.Undelivered, s.Undelivered)
	r.quiet(f, &s)
	return s
}

// byChannel reads what a field says for each channel.
func byChannel[T ~string](r *policyReading, field string, from map[string]string, to map[channel.Kind]T) {
	for _, name := range slices.Sorted(maps.Keys(from)) {
		kind, err := channel.Parse(name)
		if err != nil {
			r.bad(field+"."+name, err)
			continue
		}
		to[kind] = T(from[name])
	}
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
