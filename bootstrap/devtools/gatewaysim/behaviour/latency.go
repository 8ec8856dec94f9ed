package behaviour

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// Duration is a time.Duration written as in "1.5s" in JSON.
type Duration time.Duration

// String returns it as in "1.5s".
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes it as in "1.5s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads it as in "1.5s".
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("a duration such as \"1.5s\": %w", err)
	}
	*d = Duration(value)
	return nil
}

// The kinds of latency distribution.
const (
	Fixed     = "fixed"
	Uniform   = "uniform"
	Lognormal = "lognormal"
)

// MaxLatency is the longest latency ever drawn: what RFC 5321 grants the answer
// to the end of DATA.
const MaxLatency = 10 * time.Minute

// Latency is a distribution of waiting times. In text: "0s", "1s",
// "uniform:500ms,2s", "lognormal:1s,3s" (mean, 99th percentile).
type Latency struct {
	// Kind is fixed (default), uniform or lognormal.
	Kind string `json:"kind"`
	// Mean of fixed and lognormal.
	Mean Duration `json:"mean"`
	// P99 of lognormal: at most 14 times the mean.
	P99 Duration `json:"p99"`
	// Min and Max of uniform.
	Min Duration `json:"min"`
	Max Duration `json:"max"`
}

// ParseLatency reads the text form.
func ParseLatency(text string) (Latency, error) {
	kind, values, found := strings.Cut(text, ":")
	if !found {
		kind, values = Fixed, text
	}
	var durations []Duration
	for value := range strings.SplitSeq(values, ",") {
		var d Duration
		if err := d.UnmarshalText([]byte(strings.TrimSpace(value))); err != nil {
			return Latency{}, fmt.Errorf("latency %q: %w", text, err)
		}
		durations = append(durations, d)
	}
	var l Latency
	switch {
	case kind == Fixed && len(durations) == 1:
		l = Latency{Kind: Fixed, Mean: durations[0]}
	case kind == Uniform && len(durations) == 2:
		l = Latency{Kind: Uniform, Min: durations[0], Max: durations[1]}
	case kind == Lognormal && len(durations) == 2:
		l = Latency{Kind: Lognormal, Mean: durations[0], P99: durations[1]}
	default:
		return Latency{}, fmt.Errorf("latency %q: write 1s, uniform:500ms,2s (from, to) or lognormal:1s,3s (mean, 99th percentile)", text)
	}
	if err := l.validate(); err != nil {
		return Latency{}, fmt.Errorf("latency %q: %w", text, err)
	}
	return l, nil
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// sigma of the lognormal whose 99th percentile is ratio times its mean:
// the smaller root of sigma²/2 - z99·sigma + ln(ratio) = 0.
func sigma(ratio float64) float64 { return z99 - math.Sqrt(z99*z99-2*math.Log(ratio)) }

func (l Latency) validate() error {
	for _, d := range []Duration{l.Mean, l.P99, l.Min, l.Max} {
		if d < 0 || d > Duration(MaxLatency) {
			return fmt.Errorf("latency %v lies outside 0s to %v", d, MaxLatency)
		}
	}
	switch l.Kind {
	case Fixed:
	case Uniform:
		if l.Min > l.Max {
			return fmt.Errorf("latency: min %v is more than max %v", l.Min, l.Max)
		}
	case Lognormal:
		if l.Mean == 0 || l.P99 < l.Mean || float64(l.P99) > 14*float64(l.Mean) {
			return errors.New("latency: a lognormal needs a mean above 0 and a p99 of 1 to 14 times the mean")
		}
	default:
		return fmt.Errorf("latency: kind %q is not fixed, uniform or lognormal", l.Kind)
	}
	return nil
}

// draw maps two independent numbers from [0, 1) to a latency.
func (l Latency) draw(u, v float64) time.Duration {
	var d float64
	switch l.Kind {
	case Uniform:
		d = float64(l.Min) + u*float64(l.Max-l.Min)
	case Lognormal:
		s := sigma(float64(l.P99) / float64(l.Mean))
		normal := math.Sqrt(-2*math.Log(1-u)) * math.Cos(2*math.Pi*v) // Box-Muller
		d = float64(l.Mean) * math.Exp(s*normal-s*s/2)
	default:
		d = float64(l.Mean)
	}
	return min(time.Duration(d), MaxLatency)
}
