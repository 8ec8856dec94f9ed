// Package cachedir says where downloads lie that several runs share.
package cachedir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Variable overrides the place of the cache.
const Variable = "BALSONG_CACHE_DIR"

// ErrForeign says that the cache belongs to somebody else, whose programs we
// must not run.
var ErrForeign = errors.New("the cache directory belongs to another user or others may write to it")

// Default finds and makes the cache directory: the one that BALSONG_CACHE_DIR
// names; for root /var/cache/balsong, because the unprivileged user that runs
// PostgreSQL cannot enter root's home; for others the user's cache directory;
// and where that cannot be written, a directory of this user's own below the
// directory for temporary files.
func Default() (string, error) {
	if dir := os.Getenv(Variable); dir != "" {
		return Make(dir)
	}
	if dir, err := preferred(); err == nil {
		if made, err := Make(dir); err == nil {
			return made, nil
		}
	}
	return Make(filepath.Join(os.TempDir(), "balsong-cache-"+strconv.Itoa(os.Geteuid())))
}

func preferred() (string, error) {
	if os.Geteuid() == 0 {
		return "/var/cache/balsong", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "balsong"), nil
}

// Make makes dir, proves that it can be written, and refuses it with
// ErrForeign when somebody else could have put programs into it.
func Make(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("cache directory: %w", err)
	}
	_, missing := os.Stat(dir)
	err = os.MkdirAll(dir, 0o755)
	if err == nil && missing != nil {
		err = os.Chmod(dir, 0o755) // whatever the mask says: PostgreSQL runs as another user
	}
	if err != nil {
		return "", fmt.Errorf("cache directory: %w (set %s to a directory that can be written)", err, Variable)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("cache directory: %w", err)
	}
	owner, known := info.Sys().(*syscall.Stat_t)
	if known && int(owner.Uid) != os.Geteuid() || info.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%w: %s (set %s to one of your own)", ErrForeign, dir, Variable)
	}
	probe, err := os.CreateTemp(dir, "probe-")
	if err != nil {
		return "", fmt.Errorf("cache directory: %w (set %s to a directory that can be written)", err, Variable)
	}
	_ = probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return "", fmt.Errorf("cache directory: %w", err)
	}
	return dir, nil
}
