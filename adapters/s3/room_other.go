//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package s3

// room is memory for one block, on Go's heap.
type room struct{ bytes []byte }

func newRoom(size int) room { return room{bytes: make([]byte, size)} }

func (room) free() {}
