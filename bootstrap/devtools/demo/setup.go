package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
)

// openKeyset reads the demo's keyset, or makes one at the first run.
func openKeyset(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err == nil {
		return string(content), nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the demo's keyset: %w", err)
	}
	if content, err = crypto.NewKeyset(); err != nil {
		return "", err
	}
	half := path + ".new"
	if err := os.WriteFile(half, content, 0o600); err != nil {
		return "", fmt.Errorf("write the demo's keyset: %w", err)
	}
	return string(content), os.Rename(half, path)
}

// acceptedEver counts the messages that the gateway's own log says were accepted.
func acceptedEver(dir string) (int, error) {
	accepted := 0
	_, err := acceptlog.ReadFile(filepath.Clean(gatewaysim.AcceptLogPath(dir)), func(r acceptlog.Record) error {
		if r.Accepted {
			accepted++
		}
		return nil
	})
	return accepted, err
}
