package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
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
	var n int64 = 1 << 30
	switch o.What {
	case Month:
		return n + int64(o.Bills)*6000
	case Life:
		return n + int64(o.Bills)*9000
	case Growth:
		return n + int64(o.Sizes[0]+o.Sizes[len(o.Sizes)-1])*1000
	case Whole:
		return n + int64(o.Statements)*int64(o.StatementBytes+8000)
	}
	if o.What != Delivery { // import and dispatch take about as much
		n += int64(o.Rows) * int64(o.Runs) * 2 * 6000
	}
	if o.What == Delivery || o.What == All {
		n += int64(o.Statements) * int64(o.StatementBytes+8000)
	}
	return n
}

// checkDisk refuses to begin where the disk would fill up.
func (b *bench) checkDisk() error {
	var disk unix.Statfs_t
	if err := unix.Statfs(b.DataDir, &disk); err != nil {
		return fmt.Errorf("look at the disk of %s: %w", b.DataDir, err)
	}
	free := int64(disk.Bavail) * int64(disk.Bsize) //nolint:unconvert // the types differ by system
	if need := b.needed(); free < need {
		return fmt.Errorf("%w: %s has %.1f GiB left and up to %.1f GiB are needed (take another directory with --data, or fewer with --rows and --statements)",
			ErrOptions, b.DataDir, gib(free), gib(need))
	}
	return nil
}

func gib(n int64) float64 { return float64(n) / (1 << 30) }
func mb(n int64) float64  { return float64(n) / 1e6 }
