// Package lockfile keeps two processes from using one directory at once. The
// kernel gives a lock back when its holder ends, however it ends, so a
// left-over file never stops anybody.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrHeld says that somebody else held the lock for as long as we waited.
var ErrHeld = errors.New("in use by another process")

// interval is how often a lock that is held is tried again.
const interval = 20 * time.Millisecond

// Acquire takes the exclusive lock on the file at path, which it makes if
// missing. While somebody else holds it, Acquire tries again until ctx ends,
// then returns an error that is ErrHeld. Close the file to give the lock back;
// a process that inherits the file holds the lock too.
func Acquire(ctx context.Context, path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			_ = file.Close()
			return nil, fmt.Errorf("lock %s: %w", path, ErrHeld)
		case <-ticker.C:
		}
	}
}
