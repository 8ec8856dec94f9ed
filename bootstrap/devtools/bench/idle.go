package bench

import (
	"context"
	"time"

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
		s.environment["BALSONG_SMS_URL"] = nobody
		names := map[string]child.Role{"delivery": deliveryRole, "settlement": settlementRole}
		running := map[string]service{}
		for name, role := range names {
			var err error
			if running[name], err = b.service(ctx, s, role); err != nil {
				return err
			}
		}
		if err := b.wait(ctx, b.warmup); err != nil {
			return err
		}
		before, began := usages(), time.Now()
		b.say("idle: delivery and settlement wait for %s", b.lasts)
		if err := b.wait(ctx, b.lasts); err != nil {
			return err
		}
		after, seconds := usages(), time.Since(began).Seconds()
		for _, name := range []string{"delivery", "settlement"} {
			b.report.Idle = append(b.report.Idle, Idle{
				Process: name, Seconds: seconds, Cores: (after[name].CPU - before[name].CPU) / seconds,
				RSS: int64(memoryOf(running[name].PID()).VmRSS), PeakRSS: after[name].PeakRSS,
			})
			if err := running[name].Stop(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (i Idle) verdict() string {
	if i.Cores >= idleCores || i.RSS >= idleRSS {
		return "MISSED"
	}
	return "reached"
}
