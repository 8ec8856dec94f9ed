//go:build unix

package batchapp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/balsong/balsong/application/port"
)

func TestWhatIsNoFileIsRefusedWithoutWaiting(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err) // this file system has no named pipes
	}
	for path, says := range map[string]string{pipe: "pipe", os.DevNull: "device", filepath.Dir(pipe): "directory"} {
		if _, err := openSource(path); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
