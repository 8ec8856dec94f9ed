package core

import (
	"os"
	"runtime/debug"
)

// BoundMemory lets Go use so many bytes before it collects garbage in earnest, unless GOMEMLIMIT says otherwise. What Go
// does not manage, as the program's text, is added to it.
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
