package lockfile_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

func TestLockIsExclusiveUntilItIsGivenBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "lock")
	first, err := lockfile.Acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Try(path); !errors.Is(err, lockfile.ErrHeld) {
		t.Fatalf("Try: %v, want ErrHeld", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := lockfile.Acquire(ended, path); !errors.Is(err, lockfile.ErrHeld) {
		t.Fatalf("second Acquire: %v, want ErrHeld", err)
	}
	acquired := make(chan error, 1)
	go func() {
		second, err := lockfile.Acquire(t.Context(), path)
		if err == nil {
			err = second.Close()
		}
		acquired <- err
	}()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-acquired; err != nil {
		t.Errorf("Acquire after the lock was given back: %v", err)
	}
}
