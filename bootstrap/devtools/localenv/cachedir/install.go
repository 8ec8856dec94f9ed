package cachedir

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

// Install makes the directory home, unless a file in it has a name that matches
// has already. fetch gets an empty directory to work in, and returns the name of
// what becomes home in there. Several processes may call Install at once.
func Install(ctx context.Context, home, has string, fetch func(work string) (result string, err error)) error {
	if Installed(home, has) {
		return nil
	}
	lock, err := lockfile.Acquire(ctx, home+".lock")
	if err != nil {
		return fmt.Errorf("wait for the download by another process: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if Installed(home, has) {
		return nil
	}
	// Whole or not at all: a run that is killed here leaves nothing at home, and its leftovers go with the next one.
	work := home + ".part"
	if err := os.RemoveAll(work); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	result, err := fetch(work)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(home); err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, result), home)
}

// Installed tells whether a file in the directory home has a name that matches has.
func Installed(home, has string) bool {
	found, err := filepath.Glob(filepath.Join(home, has))
	return err == nil && len(found) > 0
}
