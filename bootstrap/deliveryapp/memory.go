package deliveryapp

import (
	"os"
	"runtime/debug"

	"github.com/balsong/balsong/bootstrap/config"
)

// What a delivery process may take of memory before garbage is collected more often than usual, in bytes. A call under
// way holds its content, its request, a goroutine's stack and a connection.
const (
	memoryBase    = 112 << 20
	memoryPerCall = 16 << 10
)

// LimitMemory sets the process's soft memory limit to what its settings need, unless GOMEMLIMIT says otherwise. Under load
// the heap would else grow to three times what lives (GOGC is 200), most of it contents of calls that have ended.
func LimitMemory(role Role, c config.Deliverer) {
	if _, chosen := os.LookupEnv("GOMEMLIMIT"); chosen || role == Settlement {
		return
	}
	debug.SetMemoryLimit(memoryBase + c.S3.CacheMiB<<20 + int64(c.Delivery.InFlight)*memoryPerCall)
}
