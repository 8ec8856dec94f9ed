package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks a second of the times in /proc: USER_HZ, 100 on every Linux that Go runs on.
const ticks = 100

// usage is what a process, with all that it started and waited for, has used. All zero where there is no /proc.
type usage struct {
	User, System float64 // seconds of CPU
	PeakRSS      int64   // bytes, of the process alone: VmHWM
}

// CPU is the seconds of CPU.
func (u usage) CPU() float64 { return u.User + u.System }

// usageOf reads one process.
func usageOf(pid int) usage {
	stat, ok := readStat(pid)
	if !ok {
		return usage{}
	}
	return usage{User: stat.user, System: stat.system, PeakRSS: peakRSS(pid)}
}

// processStat is what /proc/PID/stat says.
type processStat struct {
	parent       int
	user, system float64 // seconds, those of ended children included
}

func readStat(pid int) (processStat, bool) {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return processStat{}, false
	}
	// The second field is the program's name in parentheses and may hold anything.
	_, rest, found := bytes.Cut(content[bytes.LastIndexByte(content, ')'):], []byte(" "))
	fields := strings.Fields(string(rest))
	if !found || len(fields) < 15 {
		return processStat{}, false
	}
	number := func(i int) float64 {
		n, _ := strconv.ParseFloat(fields[i], 64)
		return n
	}
	// Fields 4, 14, 15, 16 and 17 of proc(5): ppid, utime, stime, cutime, cstime.
	return processStat{
		parent: int(number(1)),
		user:   (number(11) + number(13)) / ticks,
		system: (number(12) + number(14)) / ticks,
	}, true
}

func peakRSS(pid int) int64 { return memoryOf(pid, "VmHWM") }

// memoryOf is a line of /proc/PID/status, in bytes.
func memoryOf(pid int, name string) int64 {
	content, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// roleOf is the role that a child of ours was started for: the name in its environment, as package child sets it.
func roleOf(pid int) string {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return ""
	}
	for _, entry := range strings.Split(string(environment), "\x00") {
		if role, ok := strings.CutPrefix(entry, "BALSONG_CHILD="); ok {
			return strings.TrimPrefix(role, "bench-")
		}
	}
	return ""
}

// usages reads this process, under "bench", and its children by role, each with all that it started.
func usages() map[string]usage {
	stats := map[int]processStat{}
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if stat, ok := readStat(pid); ok {
			stats[pid] = stat
			children[stat.parent] = append(children[stat.parent], pid)
		}
	}
	var tree func(pid int) usage
	tree = func(pid int) usage {
		u := usage{User: stats[pid].user, System: stats[pid].system, PeakRSS: peakRSS(pid)}
		for _, c := range children[pid] {
			below := tree(c)
			u.User, u.System = u.User+below.User, u.System+below.System
			u.PeakRSS = max(u.PeakRSS, below.PeakRSS)
		}
		return u
	}
	own := usageOf(os.Getpid())
	all := map[string]usage{"bench": own}
	for _, pid := range children[os.Getpid()] {
		if role := roleOf(pid); role != "" {
			own, before := tree(pid), all[role] // several processes may have one role
			all[role] = usage{User: before.User + own.User, System: before.System + own.System, PeakRSS: max(before.PeakRSS, own.PeakRSS)}
		}
	}
	return all
}
