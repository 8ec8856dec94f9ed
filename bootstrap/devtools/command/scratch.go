package command

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
	"github.com/balsong/balsong/bootstrap/devtools/localenv/lockfile"
)

// clearGrace bounds how long the caretaker waits for components to end.
const clearGrace = 60 * time.Second

var caretakerRole = child.Register("caretaker", care)

// caretakerSpec is what the caretaker is told.
type caretakerSpec struct {
	Dir string `json:"dir"`
}

// scratch is the directory of everything temporary of one run. A caretaker
// process clears it when this process is killed.
type scratch struct {
	dir       string
	caretaker *child.Process
}

func newScratch(ctx context.Context) (*scratch, error) {
	dir, err := os.MkdirTemp(child.TempDir(), "balsong-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	s := &scratch{dir: dir}
	// PostgreSQL runs as another user where this one is root: it must get through, and may keep temporary files of its own.
	for d, mode := range map[string]os.FileMode{dir: 0o711, s.path("data"): 0o711, s.path("tmp"): 0o777 | os.ModeSticky} {
		if err := errors.Join(os.MkdirAll(d, 0o711), os.Chmod(d, mode)); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	s.caretaker, err = child.Start(ctx, child.Options{Role: caretakerRole, Spec: caretakerSpec{Dir: dir}})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *scratch) path(name string) string { return filepath.Join(s.dir, name) }

func (s *scratch) groupFile() string { return s.path("group") }

// holdGroup tells the caretaker which process group to end if this process is
// killed; 0 means none any more.
func (s *scratch) holdGroup(group int) error {
	if group == 0 {
		return os.Remove(s.groupFile())
	}
	return os.WriteFile(s.groupFile(), []byte(strconv.Itoa(group)), 0o600)
}

func (s *scratch) close() error {
	return errors.Join(s.caretaker.Stop(), os.RemoveAll(s.dir))
}

// care is the caretaker: it waits for its parent's end, and clears up if the
// parent was killed.
func care(ctx context.Context, link *child.Link) error {
	var s caretakerSpec
	ctx, err := link.Spec(ctx, &s)
	if err != nil {
		return err
	}
	if err := link.Ready(struct{}{}); err != nil {
		return err
	}
	<-ctx.Done()
	if !link.Abandoned() {
		return nil
	}
	own := scratch{dir: s.Dir}
	own.endGroup()
	return own.clear()
}

func (s *scratch) endGroup() {
	content, err := os.ReadFile(s.groupFile())
	if err != nil {
		return
	}
	if group, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil && group > 1 {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

// clear removes the directory once the components, which end by themselves, have
// given back the locks on their data.
func (s *scratch) clear() error {
	ctx, cancel := context.WithTimeout(context.Background(), clearGrace)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		locks, _ := filepath.Glob(s.path("data/*/lock"))
		nested, _ := filepath.Glob(s.path("data/*/*/lock"))
		for _, lock := range append(locks, nested...) {
			if file, err := lockfile.Acquire(ctx, lock); err == nil {
				_ = file.Close()
			}
		}
		err := os.RemoveAll(s.dir)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-ticker.C:
		}
	}
}
