package core

import (
	"os"
	"runtime/debug"
)

// BoundMemory lets Go use so many bytes before it collects garbage in earnest, unless GOMEMLIMIT says otherwise. What lies
// outside of Go's reach, as the program's text, comes on top.
func BoundMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(bytes)
	}
}

// CollectGarbageAt lets the heap grow by so many per cent of what lives before garbage is collected, unless GOGC says
// otherwise.
func CollectGarbageAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
