package doctor

import (
	"context"
	"os"
	"strings"

	"github.com/caarlos0/env/v11"

	"github.com/balsong/balsong/bootstrap/config"
)

// Read reads each section that some program reads for itself, so that a fault in one does not keep the others from being
// checked. It returns the components that are configured well enough to be checked, and a finding for each variable that is
// missing or wrong. Templates are none of it: who checks them reads where they are.
func Read(ctx context.Context) (uses Components, findings []Finding) {
	uses = Components{
		Database: read[config.Database](ctx, &findings),
		Kafka:    read[config.Kafka](ctx, &findings),
		S3:       read[config.S3](ctx, &findings),
		Keys:     read[config.Keys](ctx, &findings),
		Gateways: read[config.Gateways](ctx, &findings),
		Delivery: read[config.Delivery](ctx, &findings),
		Feedback: read[config.Feedback](ctx, &findings),
	}
	// What names no component is only read.
	read[config.Settlement](ctx, &findings)
	read[config.Monitor](ctx, &findings)
	read[config.Dispatch](ctx, &findings)
	read[config.Runs](ctx, &findings)
	read[config.Kept](ctx, &findings)
	read[config.Health](ctx, &findings)
	read[config.Metrics](ctx, &findings)
	read[config.Traces](ctx, &findings)
	read[config.Log](ctx, &findings)
	if err := config.CheckRemoved(env.ToMap(os.Environ())); err != nil {
		findings = append(findings, misconfigured(err)...)
	}
	return uses, findings
}

// read reads one section; nil where that cannot be.
func read[C any](ctx context.Context, findings *[]Finding) *C {
	c, err := config.LoadPart[struct{ Section C }](ctx)
	if err != nil {
		*findings = append(*findings, misconfigured(err)...)
		return nil
	}
	return &c.Section
}

// misconfigured are the findings of a section that could not be read.
func misconfigured(err error) (findings []Finding) {
	p := component{name: "configuration", checked: "the environment"}
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimPrefix(strings.TrimSpace(line), config.ErrInvalid.Error()+": ")
		if line != "" {
			p.add(Problem, line, "correct it: its component is not checked before (delivery --help lists the variables)")
		}
	}
	return p.list
}
