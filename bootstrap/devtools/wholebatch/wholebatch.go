// Package wholebatch wires the three commands of the batch as one app, for those who prepare a month in one process: the demo,
// the benchmarks and the end-to-end tests.
package wholebatch

import (
	"context"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// Config is what the three commands need together.
type Config struct {
	Database config.Database
	Kafka    config.Kafka
	S3       config.S3
	Keys     config.Keys
	Log      config.Log
}

// Options is the app: it provides a Batch.
func Options(c Config) fx.Option {
	return fx.Options(
		core.Observe(c.Log),
		core.Traces(config.Traces{}, "balsong-batch"),
		core.Quiet(),
		core.Identity(),
		core.Database(c.Database, "balsong-batch"),
		core.Events(c.Kafka, "balsong-batch"),
		core.Statements(c.S3, c.Keys),
		fx.StopTimeout(30*time.Second),
		fx.Supply(c.Database),
		fx.Provide(outage.New, batchapp.NewImporter),
		fx.Invoke(func(Batch) {}),
	)
}

// Batch is what the three commands work with.
type Batch struct {
	fx.In
	Migration batchapp.Migration
	Render    batchapp.Render
	Importer  *importing.Importer
	Imports   *postgres.Imports
	Renders   port.Renders
	Bucket    *s3.Packs
	Cipher    port.Cipher
	Policies  port.Policies
	Clock     port.Clock
	Watch     *outage.Watch
}

// Migrate does what batch migrate does.
func (b Batch) Migrate(ctx context.Context) error {
	_, err := b.Migration.Run(ctx, postgres.MigrateOptions{})
	return err
}

// Renderer returns the renderer of batch render.
func (b Batch) Renderer(options rendering.Options) *rendering.Renderer {
	return b.Render.Renderer(options)
}
