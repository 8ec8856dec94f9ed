package capacity

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Latency is how long a gateway takes to answer: always the same, lognormal by its median and 99th percentile, or as
// it was seen. The zero value answers at once.
type Latency struct {
	P50     time.Duration   `json:"p50"`            // of a lognormal; alone it is constant
	P99     time.Duration   `json:"p99,omitempty"`  // of a lognormal: more than P50
	Seen    []time.Duration `json:"seen,omitempty"` // answers as they were measured, ascending; the others count no more
	scaling float64         // what all times are multiplied by; 0: 1
}

// ParseLatency reads "1s" or "p50=800ms,p99=3s".
func ParseLatency(text string) (l Latency, err error) {
	if !strings.Contains(text, "=") {
		if l.P50, err = time.ParseDuration(text); err != nil {
			return l, fmt.Errorf("latency %q: write 1s, or p50=800ms,p99=3s", text)
		}
		return l, l.validate()
	}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		into := map[string]*time.Duration{"p50": &l.P50, "p99": &l.P99}[name]
		if into == nil {
			return l, fmt.Errorf("latency %q: %q is neither p50 nor p99", text, name)
		}
		if *into, err = time.ParseDuration(value); err != nil {
			return l, fmt.Errorf("latency %q: %s is %q, want a duration such as 800ms", text, name, value)
		}
	}
	if l.P99 <= l.P50 {
		return l, fmt.Errorf("latency %q: p99 has to be longer than p50 (a gateway that always takes as long is written %s)", text, l.P50)
	}
	return l, l.validate()
}

// SeenLatency is the distribution of measured answers.
func SeenLatency(seen []time.Duration) (Latency, error) {
	l := Latency{Seen: slices.Sorted(slices.Values(seen))}
	if len(seen) < 20 {
		return l, fmt.Errorf("latency: %d measured answers are too few (want at least 20)", len(seen))
	}
	return l, l.validate()
}

// longestAnswer is what RFC 5321 grants the answer to the end of DATA.
const longestAnswer = 10 * time.Minute

func (l Latency) validate() error {
	for _, d := range append([]time.Duration{l.P50, l.P99}, l.Seen...) {
		if d < 0 || d > longestAnswer {
			return fmt.Errorf("latency: %s lies outside 0s to %s", d, longestAnswer)
		}
	}
	if l.P99 > 0 && l.P50 <= 0 {
		return fmt.Errorf("latency: a lognormal needs a p50 above 0")
	}
	return nil
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// Sigma is the standard deviation of the logarithm; 0 where the latency is constant.
func (l Latency) Sigma() float64 {
	if l.P99 <= l.P50 || l.P50 == 0 {
		return 0
	}
	return math.Log(float64(l.P99)/float64(l.P50)) / z99
}

func (l Latency) factor() float64 {
	if l.scaling == 0 {
		return 1
	}
	return l.scaling
}

// slower is the same gateway, f times as slow.
func (l Latency) slower(f float64) Latency {
	l.scaling = l.factor() * f
	return l
}

// Quantile is the time within which a share u of the answers come, in seconds.
func (l Latency) Quantile(u float64) float64 {
	if n := len(l.Seen); n > 0 {
		return l.factor() * l.Seen[min(n-1, int(u*float64(n)))].Seconds()
	}
	u = min(max(u, 1e-9), 1-1e-9)
	return l.factor() * l.P50.Seconds() * math.Exp(l.Sigma()*math.Sqrt2*math.Erfinv(2*u-1))
}

// quantiles is how finely means over the distribution are taken.
const quantiles = 512

// meanWithin is the mean time of a call that is given up at the deadline, in seconds, and the share of calls that are.
func (l Latency) meanWithin(deadline float64) (mean, over float64) {
	for i := range quantiles {
		q := l.Quantile((float64(i) + 0.5) / quantiles)
		if q >= deadline {
			over += 1.0 / quantiles
		}
		mean += min(q, deadline) / quantiles
	}
	return mean, over
}

// excess is the mean of what answers take beyond d seconds: E[max(0, latency - d)].
func (l Latency) excess(d float64) float64 {
	if n := len(l.Seen); n > 0 {
		sum := 0.0
		for _, seen := range l.Seen {
			sum += max(0, l.factor()*seen.Seconds()-d)
		}
		return sum / float64(n)
	}
	median, sigma := l.factor()*l.P50.Seconds(), l.Sigma()
	if sigma == 0 || d <= 0 {
		return max(0, median*math.Exp(sigma*sigma/2)-d)
	}
	z := math.Log(d/median) / sigma
	beyond := func(z float64) float64 { return math.Erfc(z/math.Sqrt2) / 2 }
	return median*math.Exp(sigma*sigma/2)*beyond(z-sigma) - d*beyond(z)
}

// longestOf is how long after the last of the calls that begin at a rate the last answer comes, in seconds: // probability u nobody waits longer. Calls begun earlier may take longer still.
func (l Latency) longestOf(rate, u, deadline float64) float64 {
	low, high := 0.0, deadline
	for range 60 {
		middle := (low + high) / 2
		if math.Exp(-rate*l.excess(middle)) < u {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

// String says it for people.
func (l Latency) String() string {
	switch {
	case len(l.Seen) > 0:
		return fmt.Sprintf("as measured (%d answers, median %s, 99th percentile %s)", len(l.Seen), seconds(l.Quantile(0.5)), seconds(l.Quantile(0.99)))
	case l.Sigma() > 0:
		return fmt.Sprintf("median %s, 99th percentile %s", seconds(l.Quantile(0.5)), seconds(l.Quantile(0.99)))
	}
	return "always " + seconds(l.Quantile(0.5)).String()
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}
