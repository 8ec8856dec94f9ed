package event

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/balsong/balsong/domain/key"
)

// Trace returns the W3C traceparent of a delivery in a run. It is computed from both, so that copies of an event have
// the same one and nothing has to be stored.
func Trace(k key.Delivery, runID int64) string {
	sum := sha256.Sum256([]byte(k.String() + "#" + strconv.FormatInt(runID, 10)))
	return "00-" + hex.EncodeToString(sum[:16]) + "-" + hex.EncodeToString(sum[16:24]) + "-01"
}
