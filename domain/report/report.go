// Package report describes what a provider says about a delivery after its call: that the message arrived, that it did not, or what
// the customer made of it.
package report

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// Kind is what a report says.
type Kind string

// The kinds.
const (
	Delivered   Kind = "DELIVERED"   // the message has reached the customer's mailbox or device
	Undelivered Kind = "UNDELIVERED" // the message has not reached it; Class says why
	Complained  Kind = "COMPLAINED"  // the customer called it abuse
	OptedOut    Kind = "OPTED_OUT"   // the customer wants no more of the sender's messages on this channel
)

// Kinds lists every kind.
var Kinds = []Kind{Delivered, Undelivered, Complained, OptedOut}

// MaxID is the longest id of a report, and MaxDetail the longest detail, in bytes.
//
// What is longer is refused, not shortened: two ids that begin alike are not the same one.
const (
	MaxID     = 200
	MaxDetail = 500
	MaxName   = 200 // of a provider, a message id and a code
)

// Report is what a provider says about a delivery key. It is kept as it came and never changes a ledger row: what the rows and the
// reports of a target say together decides (R11).
type Report struct {
	Key        key.Delivery
	Provider   string
	ID         string // the provider's own, or a hash of what it says: by it a repetition is known
	Kind       Kind
	Class      attempt.FailureClass // of UNDELIVERED; else ""
	Definitive bool                 // the provider's own word that nothing more will be tried and nothing else will be said
	MessageID  string               // the provider's; "" if it names none
	Code       string               // the provider's code, such as 30005 or 5.1.1; "" if it has none
	Detail     string               // for people: the provider's words, with no destination in them
	SaidAt     time.Time            // by the provider's clock; zero if it does not say
	StoredAt   time.Time            // by the database's clock; zero before it is stored
}

// ErrInvalid is wrapped by Validate.
var ErrInvalid = errors.New("invalid report")

// Validate refuses, wrapping ErrInvalid, a report that cannot be kept.
func (r Report) Validate() error {
	wrong := func(what string) error { return fmt.Errorf("%w: %s", ErrInvalid, what) }
	switch {
	case r.Key.UserID <= 0 || r.Key.Month <= 0 || r.Key.Attempt < 0 || r.Key.Round < 0:
		return wrong("it names no delivery key")
	case r.Provider == "":
		return wrong("it names no provider")
	case r.ID == "" || len(r.ID) > MaxID:
		return wrong(fmt.Sprintf("its id has %d bytes, want 1 to %d", len(r.ID), MaxID))
	case len(r.Detail) > MaxDetail:
		return wrong(fmt.Sprintf("its detail has %d bytes, want at most %d", len(r.Detail), MaxDetail))
	case len(r.Provider) > MaxName || len(r.MessageID) > MaxName || len(r.Code) > MaxName:
		return wrong(fmt.Sprintf("its provider, message id or code has more than %d bytes", MaxName))
	}
	for _, text := range []string{r.Provider, r.ID, r.MessageID, r.Code, r.Detail} {
		if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
			return wrong("a text in it is not UTF-8, or has a zero byte")
		}
	}
	switch r.Kind {
	case Undelivered:
		if severity(r.Class) == len(classes) {
			return wrong(fmt.Sprintf("its class %q is none", r.Class))
		}
	case Delivered, Complained, OptedOut:
		if r.Class != "" {
			return wrong(fmt.Sprintf("it has the class %q, and is %s", r.Class, r.Kind))
		}
	default:
		return wrong(fmt.Sprintf("its kind %q is none", r.Kind))
	}
	return nil
}
