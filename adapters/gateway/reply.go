package gateway

import (
	"time"

	"github.com/balsong/balsong/application/port"
)

// MaxWait bounds how long a provider may ask us to wait.
const MaxWait = 24 * time.Hour

// NotMade is the reply of a call that was certainly not made.
func NotMade(detail string) port.Reply {
	return port.Reply{Verdict: port.CallNotMade, Detail: detail}
}

// Unknown is the reply of a call whose outcome cannot be known.
func Unknown(detail string) port.Reply {
	return port.Reply{Verdict: port.CallUnknown, Detail: detail}
}

// ValidMessageID reports whether a provider's message id may be stored and shown: 1 to 200 visible ASCII characters.
func ValidMessageID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= 200
}
