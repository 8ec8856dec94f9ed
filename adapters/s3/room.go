//go:build linux || darwin || freebsd || netbsd || openbsd

package s3

import "syscall"

// room is memory for one block.
type room struct {
	bytes  []byte
	mapped bool // outside of Go's heap
}

// newRoom returns a room of size bytes outside of Go's heap, or on it where the system gives none.
func newRoom(size int) room {
	bytes, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return room{bytes: make([]byte, size)}
	}
	return room{bytes: bytes, mapped: true}
}

// free gives the room back to the system: nothing may refer to its bytes any more.
func (r room) free() {
	if r.mapped {
		_ = syscall.Munmap(r.bytes) // it was mapped above, so it can be unmapped
	}
}
