package bench

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// What services with nothing to do may use.
const (
	idleCores = 0.01       // of one core
	idleRSS   = 60_000_000 // bytes
)

// Idle is what a service uses that has nothing to do.
type Idle struct {
	Process string  `json:"process"`
	Seconds float64 `json:"seconds"`
	Cores   float64 `json:"cores"`     // CPU seconds a second
	RSS     int64   `json:"rss_bytes"` // resident at the end (VmRSS)
	PeakRSS int64   `json:"peak_rss_bytes"`
}

// idleStage starts delivery and settlement over empty topics and lets them wait for a minute.
func (b *bench) idleStage(ctx context.Context) error {
	return b.open(ctx, "idle", func(ctx context.Context, s *stage) error {
		if err := s.months.Open(ctx, firstMonth); err != nil {
			return err
		}
		s.config.Gateways.SMS = config.HTTPGateway{
			URL: "http://127.0.0.1:1", CallDeadline: 30 * time.Second, Lease: 90 * time.Second, Margin: 5 * time.Second, InFlight: b.InFlight,
		}
		var running []*child.Process
		for _, role := range []child.Role{deliveryRole, settlementRole} {
			o := orders{Config: s.config, Month: firstMonth}
			var err error
			if o.Config.Health.Addr, err = freeAddress(ctx); err != nil {
				return err
			}
			process, err := b.startChild(ctx, role, o)
			if err != nil {
				return err
			}
			running = append(running, process)
		}
		if err := wait(ctx, b.Warmup); err != nil {
			return err
		}
		before, began := usages(), time.Now()
		b.say("idle: delivery and settlement wait for %s", b.For)
		if err := wait(ctx, b.For); err != nil {
			return err
		}
		after, seconds := usages(), time.Since(began).Seconds()
		for i, name := range []string{"delivery", "settlement"} {
			b.report.Idle = append(b.report.Idle, Idle{
				Process: name, Seconds: seconds, Cores: (after[name].CPU() - before[name].CPU()) / seconds,
				RSS: memoryOf(running[i].PID(), "VmRSS"), PeakRSS: after[name].PeakRSS,
			})
			if err := running[i].Stop(); err != nil {
				return err
			}
		}
		return nil
	})
}

func wait(ctx context.Context, lasts time.Duration) error {
	timer := time.NewTimer(lasts)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func printIdle(out io.Writer, idle []Idle) {
	rows := [][]any{{"idle for", "", "of a core", "limit", "resident MB", "limit", "peak MB", ""}}
	for _, i := range idle {
		verdict := "reached"
		if i.Cores >= idleCores || i.RSS >= idleRSS {
			verdict = "MISSED"
		}
		rows = append(rows, []any{
			fmt.Sprintf("%.0f s", i.Seconds), i.Process, fmt.Sprintf("%.2f%%", 100*i.Cores), fmt.Sprintf("< %.0f%%", 100*idleCores), mb(i.RSS),
			fmt.Sprintf("< %.0f", mb(idleRSS)), mb(i.PeakRSS), verdict,
		})
	}
	fmt.Fprintln(out)
	table(out, rows...)
}
