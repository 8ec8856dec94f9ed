package cachedir_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
)

func TestCacheThatOthersMayWriteToIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := cachedir.Make(dir); !errors.Is(err, cachedir.ErrForeign) {
		t.Errorf("err = %v, want ErrForeign", err)
	}
}

func TestVariableNamesTheCache(t *testing.T) {
	want := filepath.Join(t.TempDir(), "a", "b")
	t.Setenv(cachedir.Variable, want)
	if got, err := cachedir.Default(); err != nil || got != want {
		t.Errorf("Default = %q, %v, want %q", got, err, want)
	}
}

func TestUnwritableHomeFallsBackToTemporaryFiles(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root's cache does not depend on its home")
	}
	temporary := t.TempDir()
	t.Setenv(cachedir.Variable, "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "/proc/nowhere")
	t.Setenv("TMPDIR", temporary)
	got, err := cachedir.Default()
	if err != nil || filepath.Dir(got) != temporary {
		t.Errorf("Default = %q, %v, want a directory in %s", got, err, temporary)
	}
}
