// Package rendering turns bills into statements that are ready to go out: it makes each bill's texts for every channel from
// templates, encrypts them and stores them in packs.
package rendering

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/trace"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Summary is the result of a rendering.
type Summary struct {
	Rendered int   `json:"rendered"`
	Failed   int   `json:"failed"`            // could not be rendered; the reason is stored with each bill
	Changed  int   `json:"changed_meanwhile"` // corrected meanwhile, so rendered again by a later pass
	Packs    int   `json:"packs"`
	Requests int   `json:"requests"` // to the store of packs, including those that failed
	Bytes    int64 `json:"bytes"`    // written to packs
	// Templates name the set that was used, as port.TemplateSet.String does.
	Templates string `json:"templates"`
	// Oversized counts the bills whose e-mail has more HTML than MaxHTML.
	Oversized int `json:"oversized"`
}

// Options are a rendering's parameters.
type Options struct {
	Templates   *Templates          // asked for; default: those that the month has, of a month that has none Default
	Default     *Templates          // default: the shipped ones
	Sender      string              // who bills, as customers know it; default: what the templates say
	AllowSample bool                // render bills of a month under the sample's sender identity
	AllowOther  bool                // render with others than those that the month has
	By          port.Act            // who allows others, and why
	Class       policy.MessageClass // default TRANSACTIONAL
	Channels    channel.Set         // those of the route by which the bills will go out; empty: not known yet
	Failed      bool                // render those again that could not be rendered before
	Workers     int                 // chunks at the same time; default 2
	Zone        *time.Location      // of the times that people are told; default UTC
	Reporter    Reporter            // may be nil
}

// Reporter receives the progress of a rendering. Its methods are called from one goroutine at a time.
type Reporter interface {
	// Failed is called for each bill that cannot be rendered.
	Failed(u Unrendered)
	// Note is called with what people should know before the first bill is rendered.
	Note(text string)
	// Oversized is called for each bill whose e-mail has more HTML than MaxHTML.
	Oversized(customer string, bytes int)
	// Progress is called after each chunk.
	Progress(s Summary)
}

// Silent is a reporter that reports nothing; reporters of one thing embed it.
type Silent struct{}

// Failed implements Reporter.
func (Silent) Failed(Unrendered) {}

// Note implements Reporter.
func (Silent) Note(string) {}

// Oversized implements Reporter.
func (Silent) Oversized(string, int) {}

// Progress implements Reporter.
func (Silent) Progress(Summary) {}

// Unrendered is a bill that could not be rendered. The reason contains nothing of the bill.
type Unrendered struct {
	Target   key.Target
	Customer string // the customer number; "" where the bill cannot even be read
	Reason   string
}

// packBills is how many bills are in one pack.
const packBills = 1000

// againBills is how many bills are let wait again in one transaction.
const againBills = 5000

// Renderer renders imported bills into statements.
type Renderer struct {
	ports   Ports
	options Options
}

// Ports are the driven ports that a rendering uses.
type Ports struct {
	Renders port.Renders
	Sets    port.TemplateSets
	Packs   port.Packs
	Cipher  port.Cipher
	Clock   port.Clock
	Watch   *outage.Watch // waits while something is down

	Installation port.Installation // may be nil without a Tracer
	Tracer       *trace.Tracer     // nil: no spans
}

// NewRenderer returns a renderer.
func NewRenderer(ports Ports, options Options) *Renderer {
	if options.Default == nil {
		options.Default = ShippedTemplates()
	}
	if options.Class == "" {
		options.Class = policy.Transactional
	}
	if options.Zone == nil {
		options.Zone = time.UTC
	}
	if options.Workers < 1 {
		options.Workers = 2
	}
	if options.Reporter == nil {
		options.Reporter = Silent{}
	}
	return &Renderer{ports: ports, options: options}
}

// Render renders every IMPORTED bill of the month and returns when none is left. It may be stopped and repeated at any
// time, and several may run at once: what is done stays done, and the name of a pack follows from its content. The month keeps the
// templates with the first bill that they render. billing.ErrRefused where it has others, they show the sample's sender identity, or they make nothing for a channel of the route.
func (r *Renderer) Render(ctx context.Context, month key.Month) (Summary, error) {
	run := &renderRun{Renderer: r, month: month}
	if err := run.choose(ctx); err != nil {
		return Summary{}, fmt.Errorf("render %s: %w", month, err)
	}
	if err := run.identify(ctx); err != nil {
		return Summary{}, fmt.Errorf("render %s: %w", month, err)
	}
	if err := run.retry(ctx); err != nil {
		return Summary{}, fmt.Errorf("render %s: %w", month, err)
	}
	for {
		before := run.summary
		found, err := run.pass(ctx)
		if err != nil {
			return run.summary, fmt.Errorf("render %s: %w", month, err)
		}
		// Bills that were corrected meanwhile are behind the cursor: repeat until a pass finds nothing, or finds
		// only bills that another process renders.
		if found == 0 || (run.summary.Rendered == before.Rendered && run.summary.Failed == before.Failed) {
			return run.summary, nil
		}
	}
}

// renderRun is one rendering under way.
type renderRun struct {
	*Renderer
	month key.Month

	installation string // for the ids of traces; "" where nothing is recorded

	choosing sync.Mutex
	choice   choice

	mu      sync.Mutex
	summary Summary
}

// retry lets the bills that could not be rendered before wait for it again, where that is asked for.
func (r *renderRun) retry(ctx context.Context) error {
	cursor := int64(0)
	for more := r.options.Failed; more; {
		err := r.ports.Watch.Retry(ctx, port.ComponentDatabase, func(ctx context.Context) error {
			last, err := r.ports.Renders.Again(ctx, r.month, cursor, againBills)
			if err == nil {
				more, cursor = last != 0, last
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pass goes once through what is IMPORTED and returns how many bills it saw. Several chunks are under way at once: one
// waits for the store while another is rendered.
func (r *renderRun) pass(ctx context.Context) (found int, err error) {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Workers)
	cursor := port.Cursor{}
	for number := 0; ; number++ {
		var bills []port.Bill
		err = r.ports.Watch.Retry(within, port.ComponentDatabase, func(ctx context.Context) error {
			page, next, err := r.ports.Renders.Next(ctx, r.month, cursor, packBills)
			if err == nil {
				bills, cursor = page, next
			}
			return err
		})
		if err != nil || len(bills) == 0 {
			break
		}
		found += len(bills)
		group.Go(func() error { return r.chunk(within, number, bills) })
	}
	if failed := group.Wait(); failed != nil {
		return found, failed
	}
	return found, err
}

func (r *renderRun) requested() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Requests++
}

func (r *renderRun) count(entries [][]byte, results []port.RenderedBill, marked int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := len(results) - len(entries)
	r.summary.Changed += len(results) - marked
	r.summary.Failed += failed
	r.summary.Rendered += max(marked-failed, 0)
	if len(entries) > 0 {
		r.summary.Packs++
	}
	for _, entry := range entries {
		r.summary.Bytes += int64(len(entry))
	}
	r.options.Reporter.Progress(r.summary)
}
