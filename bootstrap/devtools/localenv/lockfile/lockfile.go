// Package lockfile keeps two processes from using one directory at once. The
// kernel releases a lock when its holder ends, however it ends, so a left-over
// file never stops anybody.
package lockfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrHeld says that another process held the lock for as long as we waited.
var ErrHeld = errors.New("in use by another process")

// interval is how often a lock that is held is tried again.
const interval = 20 * time.Millisecond

// Acquire takes the exclusive lock on the file at path, which it makes if
// missing. While another process holds it, Acquire tries again until ctx ends,
// then returns an error that is ErrHeld. Close the lock to release it.
func Acquire(ctx context.Context, path string) (*flock.Flock, error) {
	return take(path, func(lock *flock.Flock) (bool, error) {
		taken, err := lock.TryLockContext(ctx, interval)
		if err != nil && ctx.Err() != nil {
			err = ErrHeld
		}
		return taken, err
	})
}

// Try is Acquire without waiting.
func Try(path string) (*flock.Flock, error) {
	return take(path, func(lock *flock.Flock) (bool, error) {
		taken, err := lock.TryLock()
		if err == nil && !taken {
			err = ErrHeld
		}
		return taken, err
	})
}

func take(path string, lock func(*flock.Flock) (bool, error)) (*flock.Flock, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	file := flock.New(path, flock.SetFlag(os.O_RDWR|os.O_CREATE), flock.SetPermissions(0o644))
	if _, err := lock(file); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return file, nil
}
