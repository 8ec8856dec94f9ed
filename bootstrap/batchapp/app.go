// Package batchapp wires the statement batch: migrate, import, render. It is a one-shot task.
package batchapp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Options is the app: it provides a Batch.
func Options(c config.Batch) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Quiet(),
		core.Database(c.Database, "balsong-batch"),
		core.Events(c.Kafka, "balsong-batch"),
		core.Statements(c.S3, c.Keys),
		fx.StopTimeout(30*time.Second),
		fx.Supply(c.Database),
		fx.Module("batch", fx.Provide(outage.New, newImporter)),
		fx.Invoke(func(Batch) {}),
	)
}

func newImporter(months port.Months, imports port.Imports, corrections port.Corrections, cipher port.Cipher, clock port.Clock, watch *outage.Watch) *importing.Importer {
	return importing.New(importing.Ports{Months: months, Imports: imports, Corrections: corrections, Cipher: cipher, Clock: clock, Watch: watch})
}

// Batch is what the batch's commands work with.
type Batch struct {
	fx.In
	Database config.Database
	Importer *importing.Importer
	Imports  *postgres.Imports
	Renders  port.Renders
	Topics   port.Topics
	Bucket   *s3.Packs
	Cipher   port.Cipher
	Policies port.Policies
	Report   port.Report
	Clock    port.Clock
	Watch    *outage.Watch
	Log      port.Log
}

// Migrate brings the schema, the topics and the bucket up to date. Safe to repeat, and by several at once.
func (b Batch) Migrate(ctx context.Context) error {
	steps := []struct {
		part string
		do   func(context.Context) error
	}{
		{"database", func(ctx context.Context) error { return postgres.Migrate(ctx, b.Database.URL) }},
		{"event log", b.Topics.Ensure},
		{"statements", b.Bucket.EnsureBucket},
	}
	var failures []error
	for _, step := range steps {
		if err := b.Watch.Retry(ctx, step.part, step.do); err != nil {
			failures = append(failures, fmt.Errorf("migrate the %s: %w", step.part, err))
		}
	}
	return errors.Join(failures...)
}

// Renderer returns a renderer.
func (b Batch) Renderer(options rendering.Options) *rendering.Renderer {
	return rendering.NewRenderer(b.Renders, b.Bucket, b.Cipher, b.Clock, b.Watch, options)
}
