package textmessage

import (
	"github.com/balsong/balsong/domain/attempt"
)

// Result is what a code that a vendor gives later to a message that did not arrive says about it.
type Result struct {
	Code       string
	Class      attempt.FailureClass // permanent, temporary, content or provider
	Definitive bool                 // the vendor's word that the message was not delivered and is not tried again; else it is not known for certain
	Why        string
}

// Results are a vendor's codes.
type Results []Result

// Find returns the result of a code; for one that is not listed a temporary one that is not definitive.
func (r Results) Find(code string) Result {
	for _, known := range r {
		if known.Code == code {
			return known
		}
	}
	return Result{Code: code, Class: attempt.Temporary, Why: "not documented"}
}
