package bench

import (
	"os"
	"strings"

	"github.com/prometheus/procfs"
)

// ticks a second of the times in /proc: USER_HZ, 100 on every Linux that Go runs on.
const ticks = 100

// usage is what a process, with all that it started and waited for, has used. All zero where there is no /proc.
type usage struct {
	CPU     float64 `json:"cpu_seconds"`
	PeakRSS int64   `json:"peak_rss_bytes"` // of the process alone: VmHWM
}

// usageOf reads one process.
func usageOf(pid int) usage {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return usage{}
	}
	stat, err := process.Stat()
	if err != nil {
		return usage{}
	}
	return usage{CPU: float64(int(stat.UTime+stat.STime)+stat.CUTime+stat.CSTime) / ticks, PeakRSS: peakRSS(pid)}
}

func peakRSS(pid int) int64 { return int64(memoryOf(pid).VmHWM) }

// memoryOf is what the kernel says of a process's memory, in bytes.
func memoryOf(pid int) procfs.ProcStatus {
	process, err := procfs.NewProc(pid)
	if err != nil {
		return procfs.ProcStatus{}
	}
	status, _ := process.NewStatus()
	return status
}

// roleOf is the role that a child of ours was started for: the name in its environment, as package child sets it.
func roleOf(process procfs.Proc) string {
	environment, _ := process.Environ()
	for _, entry := range environment {
		if role, ok := strings.CutPrefix(entry, "BALSONG_CHILD="); ok {
			return strings.TrimPrefix(role, "bench-")
		}
	}
	return ""
}

// usages reads the children of this process by role, each with all that it started.
func usages() map[string]usage {
	children, all := map[int][]procfs.Proc{}, map[string]usage{}
	processes, _ := procfs.AllProcs()
	for _, process := range processes {
		if stat, err := process.Stat(); err == nil {
			children[stat.PPID] = append(children[stat.PPID], process)
		}
	}
	var tree func(pid int) usage
	tree = func(pid int) usage {
		sum := usageOf(pid)
		for _, c := range children[pid] {
			sum = sum.and(tree(c.PID))
		}
		return sum
	}
	for _, process := range children[os.Getpid()] {
		if role := roleOf(process); role != "" && role != "caretaker" {
			all[role] = all[role].and(tree(process.PID)) // several processes may have one role
		}
	}
	return all
}

func (u usage) and(more usage) usage {
	return usage{CPU: u.CPU + more.CPU, PeakRSS: max(u.PeakRSS, more.PeakRSS)}
}

// between is the processor time of processes between two looks, of those that used any.
func between(before, after map[string]usage) map[string]float64 {
	cpu := map[string]float64{}
	for process, u := range after {
		if seconds := u.CPU - before[process].CPU; seconds > 0 {
			cpu[process] = seconds
		}
	}
	return cpu
}
