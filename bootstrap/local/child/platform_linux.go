package child

import "syscall"

// executable is this very binary, even when it was deleted or lies below a
// directory that the child's user cannot enter.
func executable() string { return "/proc/self/exe" }

func setDeathSignal(attr *syscall.SysProcAttr, death syscall.Signal) { attr.Pdeathsig = death }
