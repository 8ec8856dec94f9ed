//go:build !unix

package gatewaysim

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockDirectory cannot lock here: two gateways on one directory go unnoticed.
func lockDirectory(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return file, nil
}
