//go:build linux || darwin || freebsd || netbsd || openbsd

package s3

import "syscall"

// buffer is memory for one block.
type buffer struct {
	bytes  []byte
	mapped bool // outside of Go's heap
}

// newBuffer returns a buffer of size bytes outside of Go's heap, or on it where the system gives none.
func newBuffer(size int) buffer {
	bytes, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return buffer{bytes: make([]byte, size)}
	}
	return buffer{bytes: bytes, mapped: true}
}

// free gives the buffer back to the system: nothing may refer to its bytes any more.
func (r buffer) free() {
	if r.mapped {
		_ = syscall.Munmap(r.bytes) // it was mapped above, so it can be unmapped
	}
}
