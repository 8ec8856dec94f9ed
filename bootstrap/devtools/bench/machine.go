package bench

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"github.com/balsong/balsong/bootstrap/disk"
)

// Machine is where the numbers were measured.
type Machine struct {
	CPU    string  `json:"cpu,omitempty"`
	Cores  int     `json:"cores"`
	Memory float64 `json:"memory_gib,omitempty"`
	Kernel string  `json:"kernel"`
	System string  `json:"system"`
	Go     string  `json:"go"`
	Load   string  `json:"load_average_at_start,omitempty"` // of the machine, before the benchmark began
}

// ThisMachine looks at the machine that it runs on.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.GOMAXPROCS(0), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	m.CPU = valueOf("/proc/cpuinfo", "model name")
	if kib, err := strconv.ParseFloat(strings.TrimSuffix(valueOf("/proc/meminfo", "MemTotal"), " kB"), 64); err == nil {
		m.Memory = float64(int(kib/(1<<20)*10)) / 10
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(load))[:3], " ")
	}
	return m
}

// valueOf is the first value of a name in a file of "name : value" lines.
func valueOf(file, name string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(content)) {
		if before, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(before) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// needed is how much disk a run may take at most, in bytes: statements, rows with their indexes and write-ahead log,
// and the topics.
func (o Options) needed() int64 {
	stages := int64(o.Rows) * int64(o.Runs) * 2 * 6000 // import and dispatch take about as much
	statements := int64(o.Statements) * int64(o.StatementBytes+8000)
	needs, own := map[string]int64{
		Month: int64(o.Bills) * 6000, Life: int64(o.Bills) * 9000, Growth: int64(o.Sizes[0]+o.Sizes[len(o.Sizes)-1]) * 1000,
		Whole: statements, Delivery: statements, All: stages + statements,
	}[o.What]
	if !own {
		needs = stages
	}
	return needs + 1<<30
}

// checkDisk refuses to begin where the disk would fill up.
func (b *bench) checkDisk() error {
	free, err := disk.Free(b.DataDir)
	if err != nil {
		return fmt.Errorf("look at the disk of %s: %w", b.DataDir, err)
	}
	if need := b.needed(); free < need {
		return fmt.Errorf("%w: %s has %.1f GiB left and up to %.1f GiB are needed (take another directory with --data, or fewer with --rows and --statements)",
			ErrOptions, b.DataDir, float64(free)/(1<<30), float64(need)/(1<<30))
	}
	return nil
}

func mb(n int64) float64 { return float64(n) / 1e6 }

// busyShare is from which share of its processors on a machine is called busy: what others use is missing in every number.
const busyShare = 0.1

// warnIfBusy looks at the machine for a moment before anything is started.
func (b *bench) warnIfBusy(ctx context.Context) error {
	busy, all := processors()
	if err := b.wait(ctx, time.Second); err != nil {
		return err
	}
	later, whole := processors()
	if share := (later - busy) / max(whole-all, 0.01); share > busyShare {
		b.note("THIS MACHINE IS BUSY: others use %.0f%% of its processors before anything is measured. Rates and ratios are lower than they would be; processor time says more",
			100*share)
	}
	return nil
}

// processors reads how many seconds the processors have been busy, and have been there. 0 where there is no /proc.
func processors() (busy, all float64) {
	proc, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, 0
	}
	stat, err := proc.Stat()
	if err != nil {
		return 0, 0
	}
	c := stat.CPUTotal
	busy = c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ + c.Steal
	return busy, busy + c.Idle + c.Iowait
}

// wait waits for so long.
func (b *bench) wait(ctx context.Context, lasts time.Duration) error {
	return b.nextTick(ctx, time.After(lasts))
}
