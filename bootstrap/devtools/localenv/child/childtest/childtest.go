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
	"time"
)

const (
	patience = 60 * time.Second
	interval = 20 * time.Millisecond
)

// Eventually waits until the condition holds, and fails the test when it does
// not within a minute.
func Eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %s", patience, what)
		case <-ticker.C:
		}
	}
}

// WaitGone waits until no process has the id.
func WaitGone(t *testing.T, pid int) {
	t.Helper()
	Eventually(t, "the end of process "+strconv.Itoa(pid), func() bool { return IsGone(pid) })
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
