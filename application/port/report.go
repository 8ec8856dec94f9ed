package port

import (
	"context"
	"strings"
	"time"
	"unicode"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/key"
)

// Report reads what people want to know about a month.
type Report interface {
	// Funnel counts the bills of a month by batch and dispatch status, and beside them its copies.
	Funnel(ctx context.Context, month key.Month) (Funnel, error)
	// Find returns the bill of a customer number with its ledger rows, sorted by key. ErrNotFound.
	Find(ctx context.Context, month key.Month, customer string) (billing.Target, []attempt.Row, error)
	// Alike returns customer numbers that FoldCustomer cannot tell from the given one, itself included, sorted, at most limit.
	// It may read every customer number: ask it where Find finds nothing.
	Alike(ctx context.Context, customer string, limit int) ([]string, error)
	// Customers returns the customer numbers of user ids; an id that nobody has is left out.
	Customers(ctx context.Context, userIDs []int64) (map[int64]string, error)
	// Origin returns where a target's data came from: file, line and import. ErrNotFound.
	Origin(ctx context.Context, target key.Target) (Origin, error)
	// Imports returns the records of a month's imports, oldest first.
	Imports(ctx context.Context, month key.Month) ([]ImportRecord, error)
	// Refusing returns the providers that refuse everything, ask to wait or cannot be called: whose last call of the month
	// within the past hour, by the database's clock, was not made or had an answer that is neither a success nor about one
	// customer. Sorted by name.
	Refusing(ctx context.Context, month key.Month) ([]ProviderRefusal, error)
	// Costs adds up what the month's messages cost that were accepted, and may cost that are UNKNOWN, as the ledger has it: sorted by
	// provider, state, unit and currency, none of which are mixed. It reads the month's ledger from end to end.
	Costs(ctx context.Context, month key.Month) ([]Cost, error)
}

// Cost is what messages of one provider cost that are alike in the rest.
type Cost struct {
	Provider string        // with its channel, as in sms/twilio
	State    attempt.State // Succeeded, or Unknown: they may cost that
	Unit     cost.Unit     // "": it is not known what they cost
	Currency string
	Messages int
	Units    int
	Amount   cost.Amount
}

// ProviderRefusal is a provider that refuses everything, asks to wait, or cannot be called.
type ProviderRefusal struct {
	Provider string               `json:"provider"`        // with its channel, as in sms/http
	Class    attempt.FailureClass `json:"class,omitempty"` // of the last answer: provider or throttled; "": there was no call
	Reason   attempt.Reason       `json:"reason"`          // of the last put-back: ReasonNotCalled where there was no call
	Said     string               `json:"said"`            // the last answer, or why there was no call; masked
	Last     time.Time            `json:"last"`            // when it came
	Refused  int                  `json:"refused"`         // bills that were put back for this cause within the past hour, each time counted
}

// FoldCustomer returns the same text for customer numbers that differ only in blanks and in the case of ASCII letters.
func FoldCustomer(customer string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return -1
		case 'A' <= c && c <= 'Z':
			return c + 'a' - 'A'
		default:
			return c
		}
	}, customer)
}

// Funnel counts a month's targets and refused rows.
type Funnel struct {
	Month    key.Month
	Imported int
	Batch    map[billing.BatchStatus]int
	Dispatch map[billing.Status]int
	Paused   map[billing.PauseReason]int
	Copies   map[billing.Status]int // of bills; they are in none of the other counts
	Rejected int                    // rows that the imports of this month refused and that did not come in since, each counted once
	Resolved int                    // refused rows that came in since
}
