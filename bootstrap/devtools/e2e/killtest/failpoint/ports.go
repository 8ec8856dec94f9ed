package failpoint

import (
	"context"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Requests watches a dispatcher's pages: its publisher and its targets belong together.
func (t *Trap) Requests(publisher port.Publisher, targets port.Targets) (port.Publisher, port.Targets) {
	page := &page{trap: t, publisher: publisher, targets: targets}
	return page, (*pageTargets)(page)
}

// page is the page in flight; a dispatcher has one at a time.
type page struct {
	trap      *Trap
	publisher port.Publisher
	targets   port.Targets
	published []string
}

// Publish strikes before anything is published: the page is locked and decided.
func (p *page) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	keys := make([]string, len(messages))
	for i, m := range messages {
		if request, _, err := event.DecodeRequested(m); err == nil {
			keys[i] = request.Delivery().String()
		}
	}
	p.trap.visit(PageLocked, keys)
	errs := p.publisher.Publish(ctx, topic, messages)
	for i, err := range errs {
		if err == nil {
			p.published = append(p.published, keys[i])
		}
	}
	return errs
}

type pageTargets page

// Within strikes after the page's work and before its commit.
func (p *pageTargets) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return p.targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		p.published = nil
		err := fn(ctx, tx)
		if err == nil {
			p.trap.visit(PublishedUncommitted, p.published)
		}
		return err
	})
}

// Results watches Delivery's publisher: it strikes between an outcome in the ledger and its event.
func (t *Trap) Results(publisher port.Publisher) port.Publisher { return results{publisher, t} }

type results struct {
	port.Publisher
	trap *Trap
}

func (r results) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	if topic == port.TopicResults {
		var keys []string
		for _, m := range messages {
			if result, err := event.DecodeResult(m); err == nil {
				keys = append(keys, result.Delivery().String())
			}
		}
		r.trap.visit(WrittenUnpublished, keys)
	}
	return r.Publisher.Publish(ctx, topic, messages)
}

// Ledger follows what Delivery has in flight.
func (t *Trap) Ledger(ledger port.Ledger) port.Ledger { return watchedLedger{ledger, t} }

type watchedLedger struct {
	port.Ledger
	trap *Trap
}

func (l watchedLedger) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	keys := make([]string, len(claims))
	for i, c := range claims {
		keys[i] = c.Key.String()
	}
	l.trap.claiming(keys)
	mine, err := l.Ledger.Claim(ctx, claims)
	held := map[string]bool{}
	for _, k := range mine {
		held[k.String()] = true
	}
	l.trap.claimed(keys, held, err == nil)
	return mine, err
}

func (l watchedLedger) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	held, err := l.Ledger.Record(ctx, outcomes)
	if err == nil {
		keys := make([]string, len(outcomes))
		for i, o := range outcomes {
			keys[i] = o.Key.String()
		}
		l.trap.written(keys)
	}
	return held, err
}

// Lanes watches the gateways: it strikes before a call, or after a call that was accepted.
func (t *Trap) Lanes(lanes core.Lanes) core.Lanes {
	watched := core.Lanes{}
	for kind, lane := range lanes {
		for _, p := range lane {
			watched[kind] = append(watched[kind], deliver.Provider{Gateway: watchedGateway{p.Gateway, t}, Permits: p.Permits, Weight: p.Weight})
		}
	}
	return watched
}

type watchedGateway struct {
	port.Gateway
	trap *Trap
}

func (g watchedGateway) Send(ctx context.Context, d port.Delivery) port.Reply {
	k := d.Key.String()
	g.trap.visit(ClaimedUncalled, []string{k})
	g.trap.stage(k, Calling)
	reply := g.Gateway.Send(ctx, d)
	g.trap.stage(k, Answered)
	if reply.Verdict == port.CallAccepted {
		g.trap.visit(AcceptedUnwritten, []string{k})
	}
	return reply
}

// Settling watches settlement's transactions: it strikes between what was stored and its commit.
func (t *Trap) Settling(targets port.Targets) port.Targets { return settling{targets, t} }

type settling struct {
	port.Targets
	trap *Trap
}

func (s settling) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return s.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error {
		noted := &notingTx{TargetTx: tx}
		err := fn(ctx, noted)
		if err == nil {
			s.trap.visit(SettleOpen, noted.saved)
		}
		return err
	})
}

type notingTx struct {
	port.TargetTx
	saved []string
}

func (n *notingTx) Succeed(ctx context.Context, keys []key.Target) ([]key.Target, error) {
	succeeded, err := n.TargetTx.Succeed(ctx, keys)
	for _, k := range succeeded {
		n.saved = append(n.saved, k.String())
	}
	return succeeded, err
}

func (n *notingTx) Save(ctx context.Context, targets []billing.Target) error {
	err := n.TargetTx.Save(ctx, targets)
	if err == nil {
		for _, t := range targets {
			n.saved = append(n.saved, t.Key().String())
		}
	}
	return err
}
