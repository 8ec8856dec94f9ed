//go:build unix

package postgres

import (
	"io/fs"
	"syscall"
)

// tooOpen reports whether the driver refuses a key for who may read it: its owner alone, and where that is root its group too.
func tooOpen(info fs.FileInfo) bool {
	allowed := fs.FileMode(0o600)
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid == 0 {
		allowed = 0o640
	}
	return info.Mode().Perm()&^allowed != 0
}
