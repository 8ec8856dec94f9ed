package behaviour

import (
	"errors"
	"fmt"
	"time"
)

// Reports says what becomes of accepted messages, and how their vendor tells it.
// Shares lie between 0 and 1 and are drawn for each message; what is left over
// arrives. By SMTP a result is a bounce, and of what arrives nothing is said.
type Reports struct {
	// Undelivered is the share that surely does not arrive, because of the
	// addressee: no such number, a device that is off.
	Undelivered float64 `json:"undelivered"`
	// AboutUs is the share that surely does not arrive, because of the sender:
	// it is taken for spam, or is not registered.
	AboutUs float64 `json:"about_us"`
	// Uncertain is the share of which the vendor says no more than that it does
	// not know, in the form of a failure. By SMTP: that the mail is delayed.
	Uncertain float64 `json:"uncertain"`
	// Silent is the share of which the vendor says nothing by itself, whatever
	// becomes of it. A look-up knows.
	Silent float64 `json:"silent"`
	// Early is the share reported before the call is answered.
	Early float64 `json:"early"`
	// Twice is the share reported twice.
	Twice float64 `json:"twice"`
	// Contradicted is the share about which the opposite is said as well, before
	// or after. By SMTP: only after a bounce, that the mail was delivered.
	Contradicted float64 `json:"contradicted"`
	// Delay is the time from the acceptance to each thing that is said.
	Delay Latency `json:"delay"`
}

// Result is what became of an accepted message.
type Result string

// The results.
const (
	Arrived     Result = "delivered"
	Undelivered Result = "undelivered"
	AboutUs     Result = "about_us"
	Uncertain   Result = "uncertain"
)

// Fate is what becomes of an accepted message, and what its vendor says of it.
type Fate struct {
	Result Result
	// Draw, from [0, 1), picks one of the vendor's codes for the result.
	Draw float64
	// Said are the things that the vendor says by itself, in no order.
	Said []Saying
	// Known is how long after the acceptance a look-up knows the result.
	Known time.Duration
}

// Saying is one thing that a vendor says of a message.
type Saying struct {
	Result Result
	// After the acceptance; Early: before the call is answered instead.
	After time.Duration
	Early bool
}

// Fate draws what becomes of an accepted message.
func (g *Gateway) Fate(call Call) Fate {
	s := g.settings.Load()
	r := s.Of(call.Channel).Reports
	draw := tryDraw(s.Seed, call, 0)
	f := Fate{Result: Arrived, Draw: draw("result code")}
	switch drawn := draw("result"); {
	case drawn < r.Undelivered:
		f.Result = Undelivered
	case drawn < r.Undelivered+r.AboutUs:
		f.Result = AboutUs
	case drawn < r.Undelivered+r.AboutUs+r.Uncertain:
		f.Result = Uncertain
	}
	after := func(purpose string) time.Duration { return r.Delay.draw(draw(purpose), draw(purpose+" angle")) }
	f.Known = after("report")
	if draw("silent") < r.Silent {
		return f
	}
	f.Said = []Saying{{f.Result, f.Known, draw("early") < r.Early}}
	if f.Said[0].Early {
		f.Known = 0
	}
	if draw("twice") < r.Twice {
		f.Said = append(f.Said, Saying{f.Result, after("second report"), false})
	}
	if draw("contradicted") < r.Contradicted {
		opposite := Undelivered
		if f.Result != Arrived {
			opposite = Arrived
		}
		f.Said = append(f.Said, Saying{opposite, after("contradiction"), false})
	}
	return f
}

func (r Reports) validate() error {
	var faults []error
	for name, share := range map[string]float64{
		"undelivered": r.Undelivered, "about_us": r.AboutUs, "uncertain": r.Uncertain, "silent": r.Silent,
		"early": r.Early, "twice": r.Twice, "contradicted": r.Contradicted,
	} {
		if !(share >= 0 && share <= 1) {
			faults = append(faults, fmt.Errorf("reports.%s is %v: it lies between 0 and 1", name, share))
		}
	}
	if r.Undelivered+r.AboutUs+r.Uncertain > 1 {
		faults = append(faults, errors.New("reports.undelivered, about_us and uncertain add up to more than 1"))
	}
	if err := r.Delay.validate(); err != nil {
		faults = append(faults, fmt.Errorf("reports.delay: %w", err))
	}
	return errors.Join(faults...)
}
