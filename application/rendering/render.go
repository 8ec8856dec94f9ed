// Package rendering turns bills into statements that are ready to go out: it makes each bill's texts for every channel from
// templates, encrypts them and stores them in packs.
package rendering

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
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
	Workers     int                 // chunks at the same time; default 2
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
}

// NewRenderer returns a renderer.
func NewRenderer(ports Ports, options Options) *Renderer {
	if options.Default == nil {
		options.Default = ShippedTemplates()
	}
	if options.Class == "" {
		options.Class = policy.Transactional
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
// templates that it is rendered with. billing.ErrRefused where it has others, or they show the sample's sender identity.
func (r *Renderer) Render(ctx context.Context, month key.Month) (Summary, error) {
	run := &renderRun{Renderer: r, month: month}
	if err := run.choose(ctx); err != nil {
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
	month     key.Month
	templates *Templates
	set       port.TemplateSet  // what the month keeps of them
	kept      bool              // it does
	audited   []port.AuditEntry // in the transaction that keeps them

	mu      sync.Mutex
	summary Summary
}

// pass goes once through what is IMPORTED and returns how many bills it saw. Several chunks are under way at once: one
// waits for the store while another is rendered.
func (r *renderRun) pass(ctx context.Context) (found int, err error) {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(r.options.Workers)
	cursor := port.Cursor{}
	for number := 0; ; number++ {
		var bills []port.Bill
		err = r.ports.Watch.Retry(within, "database", func(ctx context.Context) error {
			page, next, err := r.ports.Renders.Next(ctx, r.month, cursor, packBills)
			if err == nil {
				bills, cursor = page, next
			}
			return err
		})
		if err != nil || len(bills) == 0 {
			break
		}
		if err = r.keep(within); err != nil {
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

// chunk renders bills into one pack and marks them.
func (r *renderRun) chunk(ctx context.Context, number int, bills []port.Bill) error {
	results := make([]port.RenderedBill, len(bills))
	entries, owners := make([][]byte, 0, len(bills)), make([]int, 0, len(bills))
	for i, next := range bills {
		results[i] = port.RenderedBill{Target: next.Target, Version: next.Version}
		entry, customer, err := r.entry(ctx, next)
		switch {
		case err == nil:
			entries, owners = append(entries, entry), append(owners, i)
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			results[i].Failed = err.Error()
			r.refused(Unrendered{next.Target, customer, err.Error()})
		}
	}
	if err := r.store(ctx, number, entries, owners, results); err != nil {
		return err
	}
	marked := 0
	err := r.ports.Watch.Retry(ctx, "database", func(ctx context.Context) (err error) {
		marked, err = r.ports.Renders.Mark(ctx, results, r.set.Number, r.ports.Clock.Now())
		return err
	})
	if err != nil {
		return err
	}
	r.count(entries, results, marked)
	return nil
}

// entry renders and encrypts one bill. Its error becomes the reason why the bill could not be rendered, so it contains
// no personal data.
func (r *renderRun) entry(ctx context.Context, imported port.Bill) (sealed []byte, customer string, err error) {
	var decoded bill.Bill
	if err := r.keyed(ctx, func() (err error) { decoded, err = bill.Open(imported, r.ports.Cipher); return err }); err != nil {
		return nil, decoded.Customer, err
	}
	if r.options.Class == policy.Advertising && decoded.Unsubscribe == "" && imported.Reachable.Has(channel.Email) {
		return nil, decoded.Customer, errors.New("render: the bill has no unsubscribe_url, which an e-mail of the class ADVERTISING needs")
	}
	shown, err := r.templates.Statement(decoded, imported.Target.Month, r.options.Class)
	if err != nil {
		return nil, decoded.Customer, err
	}
	if size := len(shown[channel.Email].HTML); size > MaxHTML && imported.Reachable.Has(channel.Email) {
		r.oversized(decoded.Customer, size)
	}
	err = r.keyed(ctx, func() (err error) {
		sealed, err = statement.Seal(port.Statement{Target: imported.Target, Variants: shown}, r.ports.Cipher)
		return err
	})
	return sealed, decoded.Customer, err
}

// keyed runs do, which needs a key. An unknown key means that this process has not received the newest keyset yet:
// keyed waits and tries again.
func (r *renderRun) keyed(ctx context.Context, do func() error) error {
	return r.ports.Watch.Retry(ctx, "keys", func(context.Context) error {
		err := do()
		if errors.Is(err, port.ErrUnknownKey) {
			return fmt.Errorf("%w: %w", port.ErrUnavailable, err)
		}
		return err
	})
}

// entryEnd is how many bytes at the end of a sealed entry distinguish it from every other one.
const entryEnd = 32

// store writes the pack, and sets each bill's encrypted reference into it. The pack's name is made from its content, so
// that a run that was killed, or runs at the same time, never replaces a pack to which references point.
func (r *renderRun) store(ctx context.Context, number int, entries [][]byte, owners []int, results []port.RenderedBill) error {
	if len(entries) == 0 {
		return nil
	}
	hash := sha256.New()
	for _, entry := range entries {
		hash.Write(entry[max(0, len(entry)-entryEnd):]) // its end is what authenticates it whole
	}
	name := fmt.Sprintf("%s/%06d-%s", r.month, number, hex.EncodeToString(hash.Sum(nil)[:12]))
	var refs []port.StatementRef
	err := r.ports.Watch.Retry(ctx, "packs", func(ctx context.Context) (err error) {
		r.requested()
		refs, err = r.ports.Packs.Put(ctx, name, entries)
		return err
	})
	if err != nil {
		return err
	}
	for i, ref := range refs {
		owner := &results[owners[i]]
		err := r.keyed(ctx, func() (err error) {
			owner.Statement, err = statement.SealReference(ref, owner.Target, r.ports.Cipher)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *renderRun) refused(u Unrendered) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.options.Reporter.Failed(u)
}

func (r *renderRun) oversized(customer string, bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.Oversized++
	r.options.Reporter.Oversized(customer, bytes)
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
