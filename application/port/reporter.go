package port

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Reporter is a Gateway whose provider says by an HTTP request of its own what became of messages.
type Reporter interface {
	// Reports verifies a request and reads what it says. ErrForged if the provider did not make it, as far as that can be known;
	// ErrUnreadable if it did, and the request says nothing that is known; any other error if that cannot be found out now, so that
	// the provider should come again: what was found out before it is in said all the same. Messages that are not ours are left out and counted.
	Reports(ctx context.Context, request Webhook) (said Said, err error)
}

// Webhook is a request of a provider. Nothing in it is to be believed before it is verified.
type Webhook struct {
	Method  string
	URL     string // as the provider was given it, with the query that came
	Header  map[string][]string
	Body    []byte    // bounded by whoever received it
	Arrived time.Time // by the clock port
}

// Said is what a request says.
type Said struct {
	Reports []report.Report
	Foreign int    // reports about messages that are not ours
	Answer  []byte // what the provider wants to read; nil: nothing
}

// Errors of Reporter.
var (
	ErrForged     = errors.New("the request is not the provider's")
	ErrUnreadable = errors.New("the request cannot be read")
)

// Inquirer is a Gateway whose provider can be asked what became of a message, by the reference to its delivery key.
type Inquirer interface {
	// InquiryTerms are the provider's own.
	InquiryTerms() InquiryTerms
	// Inquire asks about one delivery, whose call began at an instant. It changes nothing at the provider, and may be repeated.
	// The error says that no answer came.
	Inquire(ctx context.Context, about key.Delivery, called time.Time) (Finding, error)
}

// InquiryTerms say when a provider can be asked, and what its "not found" is worth.
type InquiryTerms struct {
	Settling time.Duration // after a call, before which its list may lack it
	Window   time.Duration // after a call, after which it is forgotten
	Calls    int           // to the provider, that a question takes at most; 0: one
	Complete bool          // the provider documents that a message which is not in its list by then was not accepted
	Source   string        // the address of the document
}

// Finding is a provider's answer to an inquiry.
type Finding struct {
	Found     Found
	Class     attempt.FailureClass // of FoundRefused and FoundUndelivered
	MessageID string
	Code      string
	Detail    string    // for people: the provider's words, with no destination in them
	SaidAt    time.Time // by the provider's clock; zero if it does not say
}

// Found is what an inquiry found.
type Found string

// The findings.
const (
	FoundNothing     Found = "not_found"
	FoundAccepted    Found = "accepted" // and nothing more is known yet
	FoundRefused     Found = "refused"  // certainly not taken
	FoundDelivered   Found = "delivered"
	FoundUndelivered Found = "undelivered" // definitive
	FoundNoAnswer    Found = "no_answer"   // the provider could not be asked, or its answer not be read
)
