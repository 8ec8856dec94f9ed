// Package childtest has what tests of child processes share.
package childtest

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/balsong/balsong/application/waittest"
)

// WaitGone waits until no process has the id.
func WaitGone(t *testing.T, pid int) {
	t.Helper()
	waittest.Until(t, "the end of process "+strconv.Itoa(pid), func() bool { return IsGone(pid) })
}

// IsGone tells whether the process has ended; one that nobody waited for yet
// counts as ended.
func IsGone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}
