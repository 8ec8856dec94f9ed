package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/wording"
)

// maxNamed is how many bills that cannot be rendered are named; the others are counted.
const maxNamed = 20

// renderMemory bounds Go's memory while it renders.
const renderMemory = 250 << 20

// renderArguments are the rendering's flags.
type renderArguments struct {
	cli.By
	month                       key.Month
	sender, templates, class    string
	allowTemplates, allowSample bool
	failed                      bool
}

func (a *renderArguments) flags(cmd *cobra.Command) {
	cli.MonthFlag(cmd, &a.month, " (required)")
	cli.Require(cmd, "month")
	flags := cmd.Flags()
	flags.StringVar(&a.sender, "sender", "", "who bills, as customers know it; without: what the sender identity says")
	flags.StringVar(&a.templates, "templates", "", "directory of your own templates; without: those that the month has been rendered with; where it has none BALSONG_TEMPLATES, else the shipped ones")
	flags.BoolVar(&a.failed, "failed", false, "also render those again that could not be rendered before, once the templates are corrected (a bill whose data is corrected needs no flag)")
	flags.BoolVar(&a.allowTemplates, "allow-templates", false, "render with --templates or --sender although the month has been rendered with others (needs --reason)")
	flags.BoolVar(&a.allowSample, "allow-sample-sender", false, "render although customers would read the sender of the shipped sample")
	a.ActorFlags(cmd, "", "why; recorded")
	flags.StringVar(&a.class, "class", "", "message class: TRANSACTIONAL or ADVERTISING, refused if the ACTIVE policy's is another; without: the ACTIVE policy's, else TRANSACTIONAL")
}

// options reads the templates and checks them whole, before anything is touched.
func (a *renderArguments) options() (options rendering.Options, err error) {
	if a.allowTemplates && !a.Named() {
		return options, errors.New("--allow-templates needs --reason (and --actor): that a month is rendered with other templates is recorded with who and why")
	}
	options = rendering.Options{
		Sender: a.sender, Class: policy.MessageClass(a.class), AllowSample: a.allowSample, AllowOther: a.allowTemplates, Failed: a.failed, By: port.Act{Actor: a.Actor, Reason: a.Reason},
	}
	templates, err := OpenTemplates(a.templates)
	if err != nil {
		return options, err
	}
	if a.templates == "" {
		options.Default = templates
	} else {
		options.Templates = templates
	}
	known := options.Class == policy.Transactional || options.Class == policy.Advertising
	if options.Class == "" || known && a.templates == "" {
		return options, nil // the ACTIVE policy says it, and the month may have templates of its own
	}
	return options, templates.CheckClass(options.Class)
}

// follow makes the options follow the ACTIVE policy: its class, the channels of its route and its zone. Where none is ACTIVE, nothing can be dispatched yet: the class that was
// asked for stays. ErrInvalid if both are there and differ: the bills would go out marked for another class.
func follow(ctx context.Context, b Render, options *rendering.Options) error {
	asked := options.Class
	var versions []policy.Version
	err := b.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) (err error) {
		versions, err = b.Policies.Versions(ctx)
		return err
	})
	if err != nil {
		return err
	}
	snapshot, err := policy.NewSnapshot(versions)
	if errors.Is(err, policy.ErrNoActive) {
		return nil
	}
	if err != nil {
		return err
	}
	active := snapshot.Active()
	class := active.Spec().Class
	if asked != "" && asked != class {
		return fmt.Errorf("%w: --class says %s, and the ACTIVE policy %s is of the class %s: render without --class to follow the policy, or activate a policy of the class %s first (`balsong policy activate`)",
			port.ErrInvalid, asked, active.Ref(), class, asked)
	}
	options.Class, options.Channels, options.Zone = class, active.Spec().Route.Channels(), active.Zone()
	return nil
}

func newRender() *cobra.Command {
	var a renderArguments
	cmd := &cobra.Command{
		Use:   "render --month MONTH",
		Short: "Render every imported bill of a month and store the statements",
		Long: "Render every imported bill of a month for each channel and store the statements. Bills that are rendered already are left alone.\n" +
			"Where some cannot be rendered, the others are, and the command ends with exit code 3.\n" +
			"The month keeps a copy of the templates, and renders what comes later (a corrected bill) with it. Others are refused before the first bill, unless\n" +
			"--allow-templates --reason … lets the month have them too (docs/operations/templates.md).\n" +
			"They are rendered for the message class of the ACTIVE policy; --class says which one you expect, and nothing is rendered if the policy's is another.",
		Example: "  batch render --month 2026-11\n  batch render --month 2026-11 --templates ./templates",
		Args:    cli.NoArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runRender(cmd, &a) },
	}
	a.flags(cmd)
	cli.AddOutput(cmd)
	cli.Describe(cmd, exitCodes, cli.Configuration[config.Render]())
	return cmd
}

func runRender(cmd *cobra.Command, a *renderArguments) error {
	options, err := a.options()
	if err != nil {
		return cli.Usage(err)
	}
	useMemory(renderMemory)
	options.Workers = runtime.GOMAXPROCS(0) + 2
	failed := 0
	err = cli.Once(cmd, Rendering, func(ctx context.Context, c config.Render, b Render) error {
		return doctor.Beside(ctx, doctor.Components{Database: &c.Database, S3: &c.S3, Keys: &c.Keys}, b.Log, func(ctx context.Context) (err error) {
			failed, err = render(ctx, cmd, b, a.month, options)
			return err
		})
	})
	if err == nil && failed > 0 {
		return cli.Exit(core.ExitRejected)
	}
	return err
}

// render renders a month and answers. It returns how many bills could not be rendered.
func render(ctx context.Context, cmd *cobra.Command, b Render, month key.Month, options rendering.Options) (failed int, err error) {
	began := time.Now()
	if err := follow(ctx, b, &options); err != nil {
		return 0, err
	}
	summary, err := renderMonth(ctx, b, month, options, cmd.ErrOrStderr())
	return summary.Failed, errors.Join(err, cli.Answer(cmd, renderDocument{Month: month, Summary: summary, Memory: observe.PeakMemory()}, func(w io.Writer) {
		fmt.Fprintf(w, "month %s: %d rendered, %d failed, %d changed meanwhile, %s in %s, %d bytes\n",
			month, summary.Rendered, summary.Failed, summary.Changed, wording.Count(summary.Packs, "pack", "packs"), wording.Count(summary.Requests, "request", "requests"), summary.Bytes)
		fmt.Fprintf(w, "%s %s; at most %d MiB of memory\n", progress.Counted(summary.Rendered, "bill", "bills"), progress.Took(summary.Rendered, time.Since(began)), observe.PeakMemory()>>20)
	}))
}

// renderReport shows how far a rendering is and keeps the first bills that cannot be rendered.
type renderReport struct {
	work  *progress.Work
	named []rendering.Unrendered
	// oversized is the first bill of which Gmail would show a part, and how many bytes of HTML it has.
	oversized string
	bytes     int
}

// Note implements rendering.Reporter.
func (r *renderReport) Note(text string) { r.work.Say("note: %s", text) }

// Failed implements rendering.Reporter.
func (r *renderReport) Failed(u rendering.Unrendered) {
	if len(r.named) < maxNamed {
		r.named = append(r.named, u)
	}
}

// Oversized implements rendering.Reporter.
func (r *renderReport) Oversized(customer string, bytes int) {
	if r.oversized == "" {
		r.oversized, r.bytes = customer, bytes
	}
}

// Progress implements rendering.Reporter.
func (r *renderReport) Progress(s rendering.Summary) { r.work.Set(int64(s.Rendered + s.Failed)) }

// renderMonth renders, shows its progress, and names the bills that cannot be rendered.
func renderMonth(ctx context.Context, b Render, month key.Month, options rendering.Options, stderr io.Writer) (rendering.Summary, error) {
	var waiting int64 // without a count the progress is shown without an end
	if funnel, err := b.Report.Funnel(ctx, month); err == nil {
		waiting = int64(funnel.Batch[billing.Imported])
	}
	report := &renderReport{work: progress.On(stderr).Begin("render", "bills", waiting)}
	options.Reporter = report
	summary, err := b.Renderer(options).Render(ctx, month)
	report.work.End()
	report.remarks(stderr, month, summary)
	return summary, err
}

// remarks names what needs a person's look: the bills that could not be rendered, and those of which Gmail hides a part.
func (r *renderReport) remarks(stderr io.Writer, month key.Month, summary rendering.Summary) {
	for _, u := range r.named {
		fmt.Fprintf(stderr, "not rendered: customer %s (%s): %s\n", u.Customer, u.Target, u.Reason)
	}
	if more := summary.Failed - len(r.named); more > 0 {
		fmt.Fprintf(stderr, "and %d more\n", more)
	}
	if summary.Failed > 0 {
		fmt.Fprintf(stderr, "not rendered: %s. Correct their data (`balsong batch import --month %[2]s --correct …`) or the templates, then `balsong batch render --month %[2]s --failed`\n", wording.Count(summary.Failed, "bill", "bills"), month)
	}
	if r.oversized != "" {
		fmt.Fprintf(stderr, "warning: bills with more than 100 kB of HTML: %d, the first one of customer %s (%d kB): Gmail cuts a mail after 102 kB, and hides what follows (how to pay belongs above the items)\n",
			summary.Oversized, r.oversized, (r.bytes+999)/1000)
	}
}
