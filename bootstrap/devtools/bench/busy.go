package bench

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"
)

// busyShare is from which share of its processors on a machine is called busy: what others use is missing in every number.
const busyShare = 0.1

// warnIfBusy looks at the machine for a moment before anything is started.
func (b *bench) warnIfBusy(ctx context.Context) error {
	busy, all := processors()
	if err := wait(ctx, time.Second); err != nil {
		return err
	}
	later, whole := processors()
	share := (later - busy) / max(whole-all, 1)
	if share > busyShare {
		b.note("THIS MACHINE IS BUSY: others use %.0f%% of its processors before anything is measured. Rates and ratios are lower than they would be; processor time says more",
			100*share)
	}
	return nil
}

// processors reads how long the processors have been busy, and have been there, in ticks. 0 where there is no /proc.
func processors() (busy, all float64) {
	content, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0
	}
	line, _, _ := strings.Cut(string(content), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	for i := 1; i < len(fields) && i <= 8; i++ {
		n, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return 0, 0
		}
		all += n
		if i != 4 && i != 5 {
			busy += n
		}
	}
	return busy, all
}
