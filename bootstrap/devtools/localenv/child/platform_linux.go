package child

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// executable is this very binary, even when it was deleted or lies below a
// directory that the child's user cannot enter.
func executable() string { return "/proc/self/exe" }

func setDeathSignal(attr *syscall.SysProcAttr, death syscall.Signal) { attr.Pdeathsig = death }

// openExecutable makes cmd run a copy of this binary in memory if others may
// not execute the file (built under a mask of 077). Close what it returns
// after the start.
func openExecutable(cmd *exec.Cmd) (io.Closer, error) {
	own, err := os.Open(executable())
	if err != nil {
		return nil, fmt.Errorf("open this program: %w", err)
	}
	info, err := own.Stat()
	if err != nil || info.Mode().Perm()&0o001 != 0 {
		return own, err
	}
	defer func() { _ = own.Close() }()
	descriptor, err := unix.MemfdCreate("balsong", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("copy this program into memory: %w", err)
	}
	inMemory := os.NewFile(uintptr(descriptor), "balsong")
	if _, err := io.Copy(inMemory, own); err != nil {
		_ = inMemory.Close()
		return nil, fmt.Errorf("copy this program into memory: %w", err)
	}
	// Opened for reading only: a file open for writing cannot be executed.
	name := "/proc/self/fd/" + strconv.Itoa(descriptor)
	readable, err := os.Open(name)
	_ = inMemory.Close()
	if err != nil {
		return nil, fmt.Errorf("copy this program into memory: %w", err)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, readable)
	cmd.Path = "/proc/self/fd/" + strconv.Itoa(2+len(cmd.ExtraFiles))
	return readable, nil
}
