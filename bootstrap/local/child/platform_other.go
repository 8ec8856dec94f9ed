//go:build !linux

package child

import (
	"os"
	"syscall"
)

func executable() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// setDeathSignal does nothing here: children notice the end of the pipe that
// is their standard input.
func setDeathSignal(*syscall.SysProcAttr, syscall.Signal) {}
