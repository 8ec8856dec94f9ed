//go:build !linux

package child

import (
	"io"
	"os"
	"os/exec"
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

// openExecutable has nothing to do here.
func openExecutable(*exec.Cmd) (io.Closer, error) { return io.NopCloser(nil), nil }
