package embedpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// stateDir is where root's data lies that cannot lie where it was wanted.
const stateDir = "/var/lib/balsong"

// originFile, in such a directory, names the link to it.
const originFile = "origin"

// place returns where the data that belongs in dir can lie: there, or, if root
// wants it where the server's unprivileged user cannot go (below root's home),
// in a directory of its own below /var/lib/balsong, with a link in its place.
// Removing the link is removing the data: the next start clears up.
func place(dir string) (string, error) {
	if os.Geteuid() != 0 {
		return dir, nil
	}
	unreachable := child.Reachable(dir)
	if !errors.Is(unreachable, child.ErrUnreachable) {
		return dir, unreachable
	}
	if target, err := os.Readlink(dir); err == nil {
		return target, nil
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", errors.Join(unreachable, err)
	}
	if err := errors.Join(os.MkdirAll(stateDir, 0o755), os.Chmod(stateDir, 0o755), os.MkdirAll(filepath.Dir(dir), 0o755)); err != nil {
		return "", errors.Join(unreachable, err)
	}
	removeOrphans()
	target, err := os.MkdirTemp(stateDir, "postgres-")
	if err != nil {
		return "", errors.Join(unreachable, err)
	}
	// The link comes last: without it, the directory is an orphan.
	if err := errors.Join(os.WriteFile(filepath.Join(target, originFile), []byte(dir), 0o600), os.Symlink(target, dir)); err != nil {
		return "", fmt.Errorf("place the data that belongs in %s: %w", dir, err)
	}
	return target, nil
}

// removeOrphans removes data whose link is gone or leads elsewhere. Data in use
// keeps its link, so a failure here only leaves files behind.
func removeOrphans() {
	origins, _ := filepath.Glob(filepath.Join(stateDir, "postgres-*", originFile))
	for _, file := range origins {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if target, err := os.Readlink(string(content)); err != nil || target != filepath.Dir(file) {
			_ = os.RemoveAll(filepath.Dir(file))
		}
	}
}
