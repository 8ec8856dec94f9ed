package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/observe"
)

// How long a one-shot command waits for the checks that run beside its work.
const (
	beforeWork = time.Second      // a refusal that is found by then keeps the work from beginning
	besideWork = 10 * time.Second // from the start on; then a component that is silent counts as such
)

// Refused reports whether one of the components answers and refuses, with what to do: then a process need not start.
// A component that does not answer, or has a failure of its own, is no refusal: it is waited for.
func Refused(ctx context.Context, uses Components, clock port.Clock) error {
	return refusal(Examine(ctx, uses, clock))
}

func refusal(findings []Finding) error {
	for _, f := range findings {
		if f.refuses {
			return fmt.Errorf("%w: %s, %s: %s: %s", config.ErrInvalid, f.Component, f.Checked, f.Found, f.Do)
		}
	}
	return nil
}

// LogProblems examines the components that a service is about to use and logs each problem once, with what to do.
// It does not keep a service from starting: what is down may come back, and what is wrong may be fixed meanwhile.
func LogProblems(ctx context.Context, uses Components, clock port.Clock, log port.Log) {
	logProblems(ctx, Examine(ctx, uses, clock), log)
}

func logProblems(ctx context.Context, findings []Finding, log port.Log) {
	for _, f := range findings {
		if ctx.Err() != nil {
			return
		}
		if f.Level == Problem {
			log.Warn("a problem with the configuration, or with what it names",
				port.Field{Key: "component", Value: f.Component}, port.Field{Key: "checked", Value: f.Checked},
				port.Field{Key: "found", Value: f.Found}, port.Field{Key: "do", Value: f.Do})
		}
	}
}

// Beside does a one-shot command's work, and checks the components that it uses at the same time. Problems are logged once, with
// what to do, however soon the work is done. Where a component refuses, nothing is begun, and the error says what to do;
// the work never waits longer than a second for that, and no outage keeps it from beginning.
func Beside(ctx context.Context, uses Components, log port.Log, work func(context.Context) error) error {
	return beside(ctx, log, work, func(ctx context.Context) []Finding { return Examine(ctx, uses, observe.Clock{}) })
}

// BesideMigrate is Beside for the step that makes schema, topics and bucket: that they are missing is no problem.
func BesideMigrate(ctx context.Context, uses Components, log port.Log, work func(context.Context) error) error {
	return beside(ctx, log, work, func(ctx context.Context) (findings []Finding) {
		for _, f := range Examine(ctx, uses, observe.Clock{}) {
			if !f.missing {
				findings = append(findings, f)
			}
		}
		return findings
	})
}

func beside(ctx context.Context, log port.Log, work func(context.Context) error, examine func(context.Context) []Finding) error {
	checking, stop := context.WithTimeout(ctx, besideWork)
	defer stop()
	refused, logged := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(logged)
		findings := examine(checking)
		refused <- refusal(findings)
		logProblems(ctx, findings, log)
	}()
	select {
	case err := <-refused:
		if err != nil {
			<-logged
			return err
		}
	case <-time.After(beforeWork):
	case <-ctx.Done():
	}
	err := work(ctx)
	select {
	case <-logged:
	case <-ctx.Done():
	}
	return err
}
