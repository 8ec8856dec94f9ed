// Package batchapp wires the statement batch: migrate, import, render. It is a one-shot task.
package batchapp

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Migrating is the app of batch migrate: it provides a Migration.
func Migrating(c config.Migrate) fx.Option {
	return app(c.Log, c.Database,
		core.Events(c.Kafka, "balsong-batch"),
		core.Packs(c.S3),
		fx.Invoke(func(Migration) {}),
	)
}

// Importing is the app of batch import: it provides an Import.
func Importing(c config.Import) fx.Option {
	return app(c.Log, c.Database,
		core.WriteEMF(c.Metrics, port.ServiceBatch, os.Stderr),
		core.Cipher(c.Keys),
		core.Traces(c.Traces, "balsong-batch"),
		fx.Provide(NewImporter),
		fx.Invoke(func(Import) {}),
	)
}

// Recording is the app of the commands that show what is recorded of a month's imports and renderings: it provides Records.
func Recording(c config.Records) fx.Option {
	return app(c.Log, c.Database, fx.Invoke(func(Records) {}))
}

// Rendering is the app of batch render: it provides a Render.
func Rendering(c config.Render) fx.Option {
	return app(c.Log, c.Database,
		core.WriteEMF(c.Metrics, port.ServiceBatch, os.Stderr),
		core.Statements(c.S3, c.Keys),
		core.Traces(c.Traces, "balsong-batch"),
		fx.Invoke(func(Render) {}),
	)
}

// app is what each of them has.
func app(log config.Log, database config.Database, options ...fx.Option) fx.Option {
	return fx.Options(append(options,
		core.Observe(log),
		core.Quiet(),
		core.Identity(),
		core.Database(database, "balsong-batch"),
		fx.StopTimeout(30*time.Second),
		fx.Supply(database),
		fx.Provide(outage.New),
	)...)
}

// NewImporter returns the importer of bills.
func NewImporter(
	months port.Months, imports port.Imports, past port.PastImports, corrections port.Corrections, mappings port.Mappings, cipher port.Cipher,
	clock port.Clock, watch *outage.Watch, installation port.Installation, tracer *trace.Tracer,
) *importing.Importer {
	return importing.New(importing.Ports{
		Months: months, Imports: imports, Past: past, Corrections: corrections, Mappings: mappings, Cipher: cipher, Clock: clock, Watch: watch,
		Installation: installation, Tracer: tracer,
	})
}

// Records are what is recorded of a month's imports and renderings.
type Records struct {
	fx.In
	Policies port.Policies
	Report   port.Report
	Mappings port.Mappings
	Sets     port.TemplateSets
	Refused  port.RefusedRows
}

// zone returns the zone of the times that people are shown.
func (r Records) zone(ctx context.Context) (*time.Location, error) {
	policies, err := r.Policies.List(ctx)
	return answer.ZoneOf(policies), err
}

// Import is what batch import works with.
type Import struct {
	fx.In
	Importer *importing.Importer
	Imports  *postgres.Imports
	Report   port.Report
	Policies port.Policies
	Clock    port.Clock
	Watch    *outage.Watch
	Log      port.Log
}

// Render is what batch render works with.
type Render struct {
	fx.In
	Renders  port.Renders
	Sets     port.TemplateSets
	Bucket   *s3.Packs
	Cipher   port.Cipher
	Policies port.Policies
	Report   port.Report
	Clock    port.Clock
	Watch    *outage.Watch
	Log      port.Log

	Installation port.Installation
	Tracer       *trace.Tracer
}

// Renderer returns a renderer.
func (r Render) Renderer(options rendering.Options) *rendering.Renderer {
	return rendering.NewRenderer(rendering.Ports{
		Renders: r.Renders, Sets: r.Sets, Packs: r.Bucket, Cipher: r.Cipher, Clock: r.Clock, Watch: r.Watch, Installation: r.Installation, Tracer: r.Tracer,
	}, options)
}

// Migration is what batch migrate works with.
type Migration struct {
	fx.In
	Database config.Database
	Identity *awsidentity.Identity
	Topics   port.Topics
	Bucket   *s3.Packs
	Watch    *outage.Watch
	Log      port.Log
}

// Run brings the schema, the topics and the bucket up to date. Safe to repeat, and by several at once. Each try of a migration is logged.
func (m Migration) Run(ctx context.Context, options postgres.MigrateOptions) (schema postgres.Versions, err error) {
	options.Tried = m.logTry
	steps := []struct {
		part string
		do   func(context.Context) error
	}{
		{port.ComponentDatabase, func(ctx context.Context) (err error) {
			schema, err = postgres.MigrateVersions(ctx, core.DatabaseLogin(m.Database, m.Identity), options)
			return err
		}},
		{port.ComponentEventLog, m.Topics.Ensure},
		{port.ComponentStatements, m.Bucket.EnsureBucket},
	}
	var failures []error
	for _, step := range steps {
		if err := m.Watch.Retry(ctx, step.part, step.do); err != nil {
			failures = append(failures, fmt.Errorf("migrate the %s: %w", step.part, err))
		}
	}
	return schema, errors.Join(failures...)
}

func (m Migration) logTry(try postgres.MigrationTry) {
	fields := []port.Field{{Key: "migration", Value: try.Version}, {Key: "took", Value: try.Took}}
	if !try.Locked {
		m.Log.Info("a migration is done", fields...)
		return
	}
	holders := make([]string, len(try.Holders))
	for i, holder := range try.Holders {
		holders[i] = holder.String()
	}
	m.Log.Warn("a migration did not get a lock that others hold, and is tried again", append(fields, port.Field{Key: "holders", Value: holders})...)
}
