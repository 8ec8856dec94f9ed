package demo_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/demo"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

func TestAFreshDemoDeletesNothingOfADemoThatRunsNorOfAnythingElse(t *testing.T) {
	t.Parallel()
	for name, busy := range map[string]bool{"another demo runs there": true, "it holds no demo": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			kept := filepath.Join(dir, "keyset.json")
			if err := os.WriteFile(kept, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			if busy {
				lock, err := lockfile.Try(filepath.Join(dir, "lock"))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = lock.Close() }()
			}
			running, err := demo.Run(t.Context(), demo.Options{DataDir: dir, Fresh: true, Out: io.Discard})
			if err == nil || errors.Is(err, demo.ErrBusy) != busy {
				t.Errorf("the demo ended with %v", err)
			}
			if err := running.Stop(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(kept); err != nil {
				t.Errorf("what was there is gone: %v", err)
			}
		})
	}
}
