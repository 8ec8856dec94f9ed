// Package disk checks the free space of disks, before something large is written.
package disk

import "golang.org/x/sys/unix"

// Free is how many bytes a user who is not root may still write below dir.
func Free(dir string) (int64, error) {
	var disk unix.Statfs_t
	if err := unix.Statfs(dir, &disk); err != nil {
		return 0, err
	}
	return int64(disk.Bavail) * int64(disk.Bsize), nil //nolint:unconvert // another type on other systems
}
