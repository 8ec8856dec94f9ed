package observe

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// PeakMemory is the most memory that this process ever had resident, in bytes (VmHWM of Linux). 0 where the system
// does not report it.
func PeakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}

// WriteMemory writes how much memory this process needed at most; nothing where the system does not report it.
func WriteMemory(out io.Writer) {
	if peak := PeakMemory(); peak > 0 {
		fmt.Fprintf(out, "at most %d MiB of memory\n", peak>>20)
	}
}
