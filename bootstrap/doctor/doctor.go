// Package doctor checks everything a configuration names, as the services would use it, and says of each what it
// checked, what it found and what to do. It changes nothing and shows no secret. Whoever starts work checks the
// components that the work uses, beside it.
package doctor

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// Level is how much a finding matters.
type Level string

// The levels.
const (
	OK      Level = "ok"
	Advice  Level = "advice"  // it works, and could be safer
	Problem Level = "problem" // it does not work, or not as promised
)

// Finding is one thing that was checked.
type Finding struct {
	Level     Level  `json:"level"`
	Component string `json:"component"`
	Checked   string `json:"checked"`
	Found     string `json:"found"`
	Do        string `json:"do,omitempty"`

	refuses bool // the component answers, and waiting for it does not help
	missing bool // `batch migrate` makes it
}

// limit bounds the check of one component.
const limit = 20 * time.Second

// How far a clock may be off.
const (
	clockAdvice  = 2 * time.Second
	clockProblem = 30 * time.Second
)

// Components are what a process uses of the configuration; what is nil is not checked.
type Components struct {
	Database *config.Database
	Kafka    *config.Kafka
	S3       *config.S3
	Keys     *config.Keys
	Gateways *config.Gateways
	Delivery *config.Delivery
	Feedback *config.Feedback

	Identity *awsidentity.Identity // signs in where the components ask for it; nil: one of its own
}

// ComponentsOf are what a delivery uses: everything but what takes reports.
func ComponentsOf(c config.Deliverer) Components {
	return Components{Database: &c.Database, Kafka: &c.Kafka, S3: &c.S3, Keys: &c.Keys, Gateways: &c.Gateways, Delivery: &c.Delivery}
}

// Examine checks the components at the same time. The findings come in a fixed order.
func Examine(ctx context.Context, uses Components, clock port.Clock) []Finding {
	if uses.Identity == nil {
		uses.Identity = awsidentity.New()
	}
	checks := []func(context.Context) []Finding{
		func(context.Context) []Finding { return zones() },
		func(context.Context) []Finding { return unknown(env.ToMap(os.Environ())) },
		check(uses.Keys, func(_ context.Context, c config.Keys) []Finding { return keyset(c, clock) }),
		func(ctx context.Context) []Finding { return identity(ctx, uses) },
		check(uses.Database, func(ctx context.Context, c config.Database) []Finding { return database(ctx, c, uses, clock) }),
		check(uses.Kafka, func(ctx context.Context, c config.Kafka) []Finding { return eventLog(ctx, c, uses.Identity, clock) }),
		check(uses.S3, func(ctx context.Context, c config.S3) []Finding { return statements(ctx, c, clock) }),
		check(uses.Gateways, func(ctx context.Context, c config.Gateways) []Finding { return gateways(ctx, c, clock) }),
		check(uses.Delivery, func(_ context.Context, c config.Delivery) []Finding { return drain(c, uses.Gateways) }),
		check(uses.Feedback, func(_ context.Context, c config.Feedback) []Finding { return received(c, uses.Gateways, clock) }),
	}
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			found[i] = check(ctx)
		})
	}
	all.Wait()
	return slices.Concat(found...)
}

// check checks a component, if it is used.
func check[C any](c *C, at func(context.Context, C) []Finding) func(context.Context) []Finding {
	return func(ctx context.Context) []Finding {
		if c == nil {
			return nil
		}
		return at(ctx, *c)
	}
}

// Problems counts the findings that are problems.
func Problems(findings []Finding) (n int) {
	for _, f := range findings {
		if f.Level == Problem {
			n++
		}
	}
	return n
}

// Write writes the findings for people.
func Write(w io.Writer, findings []Finding) {
	for _, f := range findings {
		word := string(f.Level)
		if f.Level == Problem {
			word = "PROBLEM"
		}
		fmt.Fprintf(w, "%-8s %-13s %s: %s\n", word, f.Component, f.Checked, f.Found)
		if f.Do != "" {
			fmt.Fprintf(w, "%23s→ %s\n", "", f.Do)
		}
	}
	switch n := Problems(findings); n {
	case 0:
		fmt.Fprintln(w, "\nno problems")
	case 1:
		fmt.Fprintln(w, "\n1 problem")
	default:
		fmt.Fprintf(w, "\n%d problems\n", n)
	}
}

// component makes the findings of one component.
type component struct {
	name, checked string
	list          []Finding
}

func (p *component) add(level Level, found, do string) {
	p.list = append(p.list, Finding{Level: level, Component: p.name, Checked: p.checked, Found: found, Do: do})
}

// refuse adds a problem that waiting does not end: the component answers, and refuses.
func (p *component) refuse(found, do string) *Finding {
	p.add(Problem, found, do)
	last := &p.list[len(p.list)-1]
	last.refuses = true
	return last
}

// lack adds a problem that `batch migrate` ends.
func (p *component) lack(found, do string) {
	p.add(Problem, found, do)
	p.list[len(p.list)-1].missing = true
}

// clockOf compares a component's clock with ours; between is how long the answer may have taken.
func (p *component) clockOf(theirs time.Time, clock port.Clock, between time.Duration, why string) {
	if theirs.IsZero() {
		return
	}
	off := theirs.Sub(clock.Now())
	distance := max(off.Abs()-between, 0)
	if distance < clockAdvice {
		return
	}
	level, direction := Advice, "ahead of"
	if distance >= clockProblem {
		level = Problem
	}
	if off < 0 {
		direction = "behind"
	}
	precision := time.Second
	if distance > 10*time.Minute {
		precision = time.Minute
	}
	p.add(level, fmt.Sprintf("its clock is %s %s this machine's", off.Abs().Round(precision), direction), "keep the clocks in step (NTP): "+why)
}

// The longest that a shutdown can wait for calls: AWS Fargate kills a task 120 s after SIGTERM, and Delivery needs 30 s of them
// to store outcomes. So SMTP's call deadline of 10 min cannot be covered; a usual call takes a second.
const (
	usualDrain   = time.Minute
	longestDrain = 90 * time.Second
)

// drain checks how long a shutdown waits for calls.
func drain(c config.Delivery, gateways *config.Gateways) []Finding {
	p := component{name: "shutdown", checked: "BALSONG_DELIVERY_DRAIN"}
	var call time.Duration
	if gateways != nil {
		for _, provider := range gateways.Providers() {
			call = max(call, provider.CallDeadline)
		}
	}
	switch wants := min(call, usualDrain); {
	case c.DrainFor < wants:
		p.add(Advice, fmt.Sprintf("a shutdown waits %s for calls under way, and a call may take %s", c.DrainFor, call), fmt.Sprintf("set it to %s: a call that is cut off becomes UNKNOWN", wants))
	case c.DrainFor > longestDrain:
		p.add(Advice, fmt.Sprintf("a shutdown waits %s for calls under way", c.DrainFor), fmt.Sprintf("let the container stop for %s (AWS Fargate: 120s at most): killed before, outcomes are not stored and become UNKNOWN", c.StopsWithin()))
	default:
		p.add(OK, fmt.Sprintf("a shutdown waits %s for calls under way", c.DrainFor), "")
	}
	return p.list
}

// unknown finds the variables that nothing reads: most often a name that was mistyped.
func unknown(values map[string]string) []Finding {
	p := component{name: "configuration"}
	for _, v := range config.FindUnknown(values) {
		p.checked = v.Name
		if v.Likely == "" {
			p.add(Advice, "no program of Balsong reads this variable", "take it away, or correct its name (delivery --help lists the variables)")
		} else {
			p.add(Problem, "no program of Balsong reads this variable", "did you mean "+v.Likely+"? Correct its name, or take it away")
		}
	}
	return p.list
}

func zones() []Finding {
	p := component{name: "time zones", checked: "Asia/Seoul"}
	if _, err := time.LoadLocation("Asia/Seoul"); err != nil {
		p.add(Problem, "there is no time zone data here", "install tzdata, or build with the tag timetzdata: without it quiet hours cannot be computed")
	} else {
		p.add(OK, "time zone data is there", "")
	}
	return p.list
}
