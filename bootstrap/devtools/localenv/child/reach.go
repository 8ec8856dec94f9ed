package child

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrUnreachable says that an unprivileged child of root cannot enter a
// directory, as for everything below root's home.
var ErrUnreachable = errors.New("the unprivileged user cannot enter the directory")

// Reachable tells whether an unprivileged child of root can enter the
// directory that holds dir, and all above: nil or ErrUnreachable. What does not
// exist yet counts as reachable.
func Reachable(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return err
		case !mayEnter(info):
			return fmt.Errorf("%w %s (needed for %s)", ErrUnreachable, parent, dir)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

func mayEnter(info os.FileInfo) bool {
	if owner, known := info.Sys().(*syscall.Stat_t); known && owner.Uid == Nobody {
		return info.Mode().Perm()&0o100 != 0
	}
	return info.Mode().Perm()&0o001 != 0
}

// TempDir is where temporary files of root's unprivileged children can lie:
// the usual place, unless they cannot enter it.
func TempDir() string {
	usual := os.TempDir()
	if os.Geteuid() != 0 {
		return usual
	}
	for _, dir := range []string{usual, "/tmp", "/var/tmp"} {
		if Reachable(filepath.Join(dir, "file")) == nil {
			return dir
		}
	}
	return usual
}
