//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package s3

// buffer is memory for one block, on Go's heap.
type buffer struct{ bytes []byte }

func newBuffer(size int) buffer { return buffer{bytes: make([]byte, size)} }

func (buffer) free() {}
