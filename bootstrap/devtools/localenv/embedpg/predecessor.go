package embedpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// endPredecessor deals with postmaster.pid of a run that was killed. The lock
// on the data directory is ours, so no supervised server uses it: either a
// server is left over, and is stopped, or the file is stale. PostgreSQL clears
// a stale one itself, unless another process has that number by now.
func (c *cluster) endPredecessor(ctx context.Context) error {
	file := filepath.Join(c.data, "postmaster.pid")
	content, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for an earlier server: %w", err)
	}
	first, _, _ := strings.Cut(string(content), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 1 || !c.isServedBy(pid) {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove the file of an earlier server: %w", err)
		}
		return nil
	}
	return endProcess(ctx, pid)
}

// isServedBy tells whether the process works in the data directory, as a
// postmaster does. Without /proc any live process of ours counts.
func (c *cluster) isServedBy(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		return true
	}
	directory, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	if err != nil {
		return false
	}
	own, err := filepath.EvalSymlinks(c.data)
	return err == nil && directory == own
}

// endProcess asks a left-over server for a fast shutdown and waits for its end.
func endProcess(ctx context.Context, pid int) error {
	ctx, cancel := context.WithTimeout(ctx, child.PredecessorGrace)
	defer cancel()
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		return fmt.Errorf("stop the server of an earlier run (process %d): %w", pid, err)
	}
	ticker := time.NewTicker(probeInterval)
	defer ticker.Stop()
	for syscall.Kill(pid, 0) == nil {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the server of an earlier run (process %d) does not end: stop it by hand", pid)
		case <-ticker.C:
		}
	}
	return nil
}
