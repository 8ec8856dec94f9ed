package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// deliveryLimit is the performance target of stage delivery: settled a second, by one delivery process.
const deliveryLimit = 5000

// line is the processes from the topic to the gateway, over the first month.
type line struct {
	*stage
	gateway    gateway
	settlement service
	deliveries []service
}

// answering is a gateway that answers each message after the same time.
func answering(after time.Duration) behaviour.ChannelSettings {
	return behaviour.ChannelSettings{Latency: behaviour.Latency{Kind: behaviour.Fixed, Mean: behaviour.Duration(after)}}
}

// startLine starts a gateway, a settlement and deliveries. What it returns with an error is stopped at the end.
func (b *bench) startLine(ctx context.Context, s *stage, dir string, sms behaviour.ChannelSettings, deliveries int) (l *line, err error) {
	l = &line{stage: s}
	if l.gateway, err = b.startGateway(ctx, dir, gatewaysim.Settings{Seed: 1, SMS: sms}); err != nil {
		return nil, err
	}
	s.environment["BALSONG_SMS_URL"] = "http://" + l.gateway.HTTP
	if l.settlement, err = b.service(ctx, s, settlementRole); err != nil {
		return nil, err
	}
	for range deliveries {
		delivery, err := b.service(ctx, s, deliveryRole)
		if err != nil {
			return nil, err
		}
		l.deliveries = append(l.deliveries, delivery)
	}
	return l, nil
}

func (l *line) processes() []*child.Process {
	all := []*child.Process{l.gateway.Process, l.settlement.Process}
	for _, d := range l.deliveries {
		all = append(all, d.Process)
	}
	return all
}

// end ends the deliveries, lets settlement catch up for a minute, and counts what the gateway accepted and what is settled.
func (b *bench) end(ctx context.Context, l *line) (accepted gatewaysim.Stats, settled int, err error) {
	for _, d := range l.deliveries {
		if err := d.Stop(); err != nil {
			return accepted, 0, err
		}
	}
	if accepted, err = l.gateway.stats(ctx); err != nil {
		return accepted, 0, err
	}
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(time.Minute); ; {
		if settled, err = l.count(ctx, firstMonth, "SUCCEEDED"); err != nil {
			return accepted, settled, err
		}
		if settled >= int(accepted.Accepted) || time.Now().After(deadline) {
			break
		}
		if err := b.nextTick(ctx, ticker.C, l.settlement.Process); err != nil {
			return accepted, settled, err
		}
	}
	b.say("the gateway accepted %d, %d are SUCCEEDED, %d were accepted twice", accepted.Accepted, settled, accepted.AcceptedAgain)
	return accepted, settled, errors.Join(l.settlement.Stop(), l.gateway.Stop())
}

// deliveryStage fills the topic, starts delivery and settlement, and watches them.
func (b *bench) deliveryStage(ctx context.Context) error {
	measured := &Stage{
		Name: Delivery, Rows: b.Statements, Target: Target{Floor: deliveryLimit, Rate: 9000, PeakRSS: 400_000_000},
		Label: fmt.Sprintf("settled over %s, of %d statements of %d bytes, a gateway that answers after %s, one delivery process", b.lasts, b.Statements, b.StatementBytes, answerAfter),
	}
	return b.repeat(ctx, Delivery, 1, func(ctx context.Context, s *stage) ([]StageRun, error) {
		if err := b.filled(ctx, s, b.Statements, b.StatementBytes); err != nil {
			return nil, err
		}
		b.say("delivery: the topic holds %d requests", b.Statements)
		l, err := b.startLine(ctx, s, "gateway", answering(answerAfter), 1)
		if err != nil {
			return nil, err
		}
		run, err := b.window(ctx, l, measured)
		if err != nil {
			return nil, err
		}
		accepted, settled, err := b.end(ctx, l)
		measured.Rows = run.Rows
		measured.Details = append(measured.Details, fmt.Sprintf("check: the gateway accepted %d, %d are SUCCEEDED in the database, %d were accepted twice", accepted.Accepted, settled, accepted.AcceptedAgain))
		return []StageRun{run}, err
	}, measured)
}

// sample is one look at the processes.
type sample struct {
	at                   time.Time
	gateway              gatewaysim.Stats
	delivery, settlement metrics
	transactions         float64 // of the database, committed
}

func (s sample) settled() float64 { return s.settlement.sum(metric.TargetsSettled.Name, "") }

func (l *line) look(ctx context.Context) (s sample, err error) {
	s.at = time.Now()
	if s.gateway, err = l.gateway.stats(ctx); err != nil {
		return s, err
	}
	if s.delivery, err = scrape(ctx, l.deliveries[0].url); err != nil {
		return s, err
	}
	if s.settlement, err = scrape(ctx, l.settlement.url); err != nil {
		return s, err
	}
	return s, l.db.GetContext(ctx, &s.transactions, `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`)
}

// window waits for the first accepted message and the warm-up, and then looks every second until the time is over or the topic is dry.
func (b *bench) window(ctx context.Context, l *line, measured *Stage) (run StageRun, err error) {
	if err := b.warmUp(ctx, l); err != nil {
		return run, err
	}
	if b.Profiles != "" {
		go b.activity(ctx, l, b.lasts-time.Second)
	}
	settledBefore, err := l.count(ctx, firstMonth, "SUCCEEDED")
	if err != nil {
		return run, err
	}
	first, err := l.look(ctx)
	if err != nil {
		return run, err
	}
	before, samples := usages(), []sample{first}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	dry := false
	for last := first; last.at.Sub(first.at) < b.lasts && !dry; {
		if err := b.nextTick(ctx, ticker.C, l.processes()...); err != nil {
			return run, err
		}
		if last, err = l.look(ctx); err != nil {
			return run, err
		}
		samples = append(samples, last)
		dry = int(last.gateway.Accepted) >= b.Statements-10_000 // as many as are in flight
		if len(samples)%10 == 0 {
			b.say("delivery: %d accepted, %.0f settled, %d in flight", last.gateway.Accepted, last.settled(), last.gateway.InFlight)
		}
	}
	after, memory := usages(), peakRSS(l.deliveries[0].PID())
	settled, err := l.count(ctx, firstMonth, "SUCCEEDED")
	if err != nil {
		return run, err
	}
	run = StageRun{Rows: settled - settledBefore, Seconds: samples[len(samples)-1].at.Sub(first.at).Seconds(), CPU: between(before, after), PeakRSS: memory}
	measured.Details = details(samples, run, b.StatementBytes)
	if dry && run.Seconds < b.lasts.Seconds() {
		measured.Target = Target{} // too short for a claim
		b.note("the topic ran dry after %.0f s of %s: give --statements more for the whole time", run.Seconds, b.lasts)
	}
	return run, nil
}

func (b *bench) warmUp(ctx context.Context, l *line) error {
	limit := time.Now().Add(time.Minute)
	ticker := time.NewTicker(250 * time.Millisecond)
	defer ticker.Stop()
	var since time.Time
	for since.IsZero() || time.Since(since) < b.warmup {
		if err := b.nextTick(ctx, ticker.C, l.processes()...); err != nil {
			return err
		}
		s, err := l.look(ctx)
		switch {
		case err != nil && time.Now().After(limit):
			return err
		case err != nil: // still starting
		case s.gateway.Accepted > 0 && since.IsZero():
			since = time.Now()
			b.say("delivery: the first message is accepted; warming up for %s", b.warmup)
		case since.IsZero() && time.Now().After(limit):
			return fmt.Errorf("nothing was delivered within a minute (logs: %s)", b.DataDir)
		}
	}
	return nil
}

// details are what the samples show beside the rows that were settled.
func details(samples []sample, run StageRun, statementBytes int) []string {
	first, last := samples[0], samples[len(samples)-1]
	var accepted, settled, inFlight []float64
	for i, s := range samples {
		inFlight = append(inFlight, float64(s.gateway.InFlight))
		if i > 0 {
			seconds := s.at.Sub(samples[i-1].at).Seconds()
			accepted = append(accepted, float64(s.gateway.Accepted-samples[i-1].gateway.Accepted)/seconds)
			settled = append(settled, (s.settled()-samples[i-1].settled())/seconds)
		}
	}
	grown := func(name, label string) float64 {
		return last.delivery.sum(name, label) - first.delivery.sum(name, label)
	}
	delivered := max(grown(metric.Deliveries.Name, `outcome="SUCCEEDED"`), 1)
	lookups := grown(metric.S3BlockLookups.Name, "")
	return []string{
		fmt.Sprintf("accepted by the gateway %s in a second, settled %s, in flight %s", perSecond(spreadOf(accepted)), perSecond(spreadOf(settled)), perSecond(spreadOf(inFlight))),
		fmt.Sprintf("%.1f transactions of the database for a thousand settled; claims lost: %.0f",
			1000*(last.transactions-first.transactions)/float64(max(run.Rows, 1)), grown(metric.ClaimsLost.Name, "")),
		fmt.Sprintf("S3: %.0f requests for a million delivered, %.2f bytes read for a byte sent, %.1f%% of lookups answered by the block cache",
			1e6*grown(metric.S3Requests.Name, "")/delivered, grown(metric.S3TransferredBytes.Name, `direction="read"`)/(delivered*float64(statementBytes)),
			100*(1-grown(metric.S3BlockLookups.Name, `outcome="miss"`)/max(lookups, 1))),
	}
}
