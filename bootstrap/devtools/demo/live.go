package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/dispatch"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
)

// by is who does things in the demo.
var by = port.Act{Actor: "demo", Reason: "a look at the whole life of a bill"}

// live takes the bills through their life and returns the month in numbers.
func (d *demo) live(ctx context.Context) (port.Funnel, error) {
	none := port.Funnel{}
	if err := d.batch(ctx); err != nil {
		return none, err
	}
	if err := d.tellDoubts(ctx); err != nil {
		return none, err
	}
	return d.deliverAll(ctx)
}

// batch migrates, activates the policy, imports and renders.
func (d *demo) batch(ctx context.Context) error {
	c := wholebatch.Config{Database: d.config.Database, Kafka: d.config.Kafka, S3: d.config.S3, Keys: d.config.Keys, Log: d.config.Log}
	return use(ctx, fx.Options(wholebatch.Options(c), d.inDemo()), func(ctx context.Context, b wholebatch.Batch) error {
		d.stages.begin("migrate")
		if err := b.Migrate(ctx); err != nil {
			return err
		}
		if err := d.ensurePolicy(ctx, b); err != nil {
			return err
		}
		d.stages.end("schema, topics, bucket and policy are there")
		if err := d.importData(ctx, b); err != nil {
			return err
		}
		d.stages.begin("render")
		templates, err := demodata.Words()
		if err != nil {
			return err
		}
		rendered, err := b.Renderer(rendering.Options{Templates: templates, Reporter: renderReport{demo: d}}).Render(ctx, d.Month)
		if err != nil {
			return err
		}
		d.stages.end("%s rendered into %d packs (%.1f MiB, compressed and encrypted), %d failed",
			thousands(rendered.Rendered), rendered.Packs, float64(rendered.Bytes)/(1<<20), rendered.Failed)
		return nil
	})
}

func (d *demo) ensurePolicy(ctx context.Context, b wholebatch.Batch) error {
	versions, err := b.Policies.Versions(ctx)
	if err != nil || len(versions) > 0 {
		return err
	}
	spec, err := demoPolicy(d.zone)
	if err != nil {
		return err
	}
	drafted, err := b.Policies.Draft(ctx, spec, by)
	if err != nil {
		return err
	}
	return b.Policies.Activate(ctx, drafted.Ref(), by)
}

// importReport shows how far the import is and keeps its notes.
type importReport struct {
	importing.Silent
	demo  *demo
	notes []string
}

// Note implements importing.Reporter.
func (r *importReport) Note(text string) { r.notes = append(r.notes, text) }

// Progress implements importing.Reporter.
func (r *importReport) Progress(p importing.Progress) { r.demo.stages.progress(p.Rows, 0) }

// renderReport shows how far the rendering is.
type renderReport struct {
	rendering.Silent
	demo *demo
}

// Progress implements rendering.Reporter.
func (r renderReport) Progress(s rendering.Summary) { r.demo.stages.progress(s.Rendered, r.demo.rows) }

func (d *demo) importData(ctx context.Context, b wholebatch.Batch) error {
	d.stages.begin("import")
	data, err := d.Data()
	if err != nil {
		return err
	}
	path := filepath.Join(d.DataDir, "rejects.csv")
	rejects, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = rejects.Close() }() // each chunk is flushed
	named := importing.File{Name: "demo"}
	source := importing.NewSource(named, data)
	if file, isFile := data.(io.ReadSeeker); isFile {
		if source, err = importing.Open(file, named); err != nil {
			return err
		}
	}
	report := &importReport{demo: d}
	summary, err := b.Importer.Import(ctx, source, importing.Options{
		Rules: importing.Rules{Month: d.Month, NotBefore: d.clock.Now().Add(-time.Minute), Zone: d.zone}, By: by, Rejects: rejects, Reporter: report,
	})
	defer func() {
		for _, note := range report.notes {
			fmt.Fprintf(d.Out, "  note: %s\n", note)
		}
	}()
	if err != nil {
		return err
	}
	if refused := summary.Rejected + summary.Conflicts; refused > 0 {
		defer fmt.Fprintf(d.Out, "  %s rows were refused; each with its reason in %s\n", thousands(refused), path)
	}
	d.rows = summary.Inserted + summary.Unchanged
	d.stages.end("%s rows: %s new, %s known already, %s rejected",
		thousands(summary.Rows), thousands(summary.Inserted), thousands(summary.Unchanged), thousands(summary.Rejected))
	return nil
}

// tellDoubts reports the deliveries whose outcome a killed run left in doubt.
func (d *demo) tellDoubts(ctx context.Context) error {
	c := config.Operator{Database: d.config.Database, Log: d.config.Log}
	return use(ctx, fx.Options(operatorapp.Options(c), d.inDemo()), func(ctx context.Context, o operate.Ports) error {
		claimed, until, err := o.Sweeps.InDoubt(ctx, d.Month)
		if err == nil && claimed > 0 {
			fmt.Fprintf(d.Out, "  %s deliveries are in doubt until %s: an earlier run was killed while it called the gateway.\n"+
				"  What has no answer by then becomes UNKNOWN and is held, not sent again.\n",
				thousands(claimed), until.Local().Format("15:04:05"))
		}
		return err
	})
}

// deliverAll runs Delivery and settlement, and dispatches as long as something comes due, until every bill has come to
// an end or waits for a person.
func (d *demo) deliverAll(ctx context.Context) (funnel port.Funnel, err error) {
	app := fx.New(deliveryapp.Options(deliveryapp.Both, d.config), d.inDemo())
	if err := app.Start(ctx); err != nil {
		return funnel, err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
		defer cancel()
		err = errors.Join(err, app.Stop(stopping))
	}()
	d.stages.begin("deliver")
	published := 0
	c := config.Dispatcher{Database: d.config.Database, Kafka: d.config.Kafka, Log: d.config.Log, Dispatch: config.Dispatch{Page: 1000, AckTimeout: 5 * time.Second, LingerPoll: time.Second}}
	err = use(ctx, fx.Options(dispatcherapp.Options(c), d.inDemo()), func(ctx context.Context, p dispatching) error {
		until := time.Now().Add(d.Limit)
		for {
			if due, err := p.Backlog.Due(ctx, d.Month, d.clock.Now(), 1); err != nil {
				return err
			} else if due > 0 {
				record, err := p.Runner.Run(ctx, d.Month, by, nil)
				published += record.Published
				if err != nil {
					return err
				}
			}
			if funnel, err = p.Report.Funnel(ctx, d.Month); err != nil {
				return err
			}
			open := funnel.Dispatch[billing.Ready] + funnel.Dispatch[billing.Failed] + funnel.Dispatch[billing.Requested]
			d.stages.progress(funnel.Imported-open, funnel.Imported)
			if open == 0 {
				return nil
			}
			if done, err := d.onlyWaiting(ctx, p.Backlog, funnel, until); done || err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("stopped with %s bills still open: run it again, it goes on where it stopped: %w", thousands(open), ctx.Err())
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	if err == nil {
		d.stages.end("%s requests dispatched, %s of %s bills accepted", thousands(published), thousands(funnel.Dispatch[billing.Succeeded]), thousands(funnel.Imported))
	}
	return funnel, err
}

// onlyWaiting tells whether nothing more will happen within the demo's limit; if so it also prints that.
func (d *demo) onlyWaiting(ctx context.Context, backlog port.Backlog, f port.Funnel, until time.Time) (bool, error) {
	if time.Now().After(until) {
		d.stages.clear()
		fmt.Fprintf(d.Out, "  The demo's limit of %s is reached (--limit).\n", d.Limit)
		return true, nil
	}
	if f.Dispatch[billing.Requested] > 0 {
		return false, nil
	}
	next, err := backlog.NextDue(ctx, d.Month)
	if err != nil {
		return false, err
	}
	if next.IsZero() { // not rendered, or just being settled
		return f.Dispatch[billing.Ready]+f.Dispatch[billing.Failed] == f.Batch[billing.RenderFailed], nil
	}
	if wait := next.Sub(d.clock.Now()); wait > time.Until(until) {
		d.stages.clear()
		fmt.Fprintf(d.Out, "  %s wait for their day or hour; the next is due %s.\n",
			thousands(f.Dispatch[billing.Ready]+f.Dispatch[billing.Failed]), next.In(d.zone).Format("2006-01-02 15:04 MST"))
		return true, nil
	}
	return false, nil
}

// dispatching is what the demo uses of the dispatcher app.
type dispatching struct {
	fx.In
	Runner  *dispatch.Runner
	Backlog port.Backlog
	Report  port.Report
}

// use starts an app, runs do with a T that the app provides, and stops the app.
func use[T any](ctx context.Context, options fx.Option, do func(context.Context, T) error) (err error) {
	var what T
	app := fx.New(options, fx.Invoke(func(t T) { what = t }))
	if err := app.Start(ctx); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.StopTimeout())
		defer cancel()
		err = errors.Join(err, app.Stop(stopping))
	}()
	return do(ctx, what)
}
