package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Lane is a provider of a channel, as ledger rows name it.
type Lane struct {
	Channel  channel.Kind
	Provider string
}

// Inquiries is what is asked of providers about UNKNOWN ledger rows: a list that outlives processes, and what was answered.
type Inquiries interface {
	// Enqueue adds the month's UNKNOWN rows of a lane that changed in a span, behind the key after: at most limit, in the order of
	// their keys. Each is due once its lease has ended and wait has passed since. What was added before stays as it is. It returns how
	// many rows it looked at, and the key of the last one; a span without a beginning and an end is walked, and rows of any state count.
	Enqueue(ctx context.Context, month key.Month, of Lane, wait time.Duration, when Span, after key.Delivery, limit int) (looked int, last key.Delivery, err error)
	// Due returns at most limit inquiries of the month about a lane that are due, the earliest first; nobody gets them again before hold has passed.
	// Those whose row is not UNKNOWN any more end, and are counted in looked alone.
	Due(ctx context.Context, month key.Month, of Lane, hold time.Duration, limit int) (looked int, due []Inquiry, err error)
	// Answer records answers. An inquiry that was not added is left out.
	Answer(ctx context.Context, answers []InquiryAnswer) error
	// Asked returns the inquiries about a target's keys that have been made, sorted by key.
	Asked(ctx context.Context, about key.Target) ([]Inquiry, error)
	// Open counts the month's UNKNOWN bills about whose current key a provider is still to be asked; copies are not among them.
	Open(ctx context.Context, month key.Month) (int, error)
}

// Inquiry is a question to a provider about an UNKNOWN ledger row.
type Inquiry struct {
	Key     key.Delivery
	Called  time.Time // when the row was claimed, by the database's clock
	Current bool      // the key is its target's current one; of Due alone
	Asks    int       // how often the provider was asked
	Last    Finding   // its last answer; of Asked alone
	AskedAt time.Time // when that was, by the database's clock; of Asked alone
	Again   time.Time // when it is asked again; zero: never; of Asked alone
}

// InquiryAnswer is what came of an inquiry.
type InquiryAnswer struct {
	Key   key.Delivery
	Found Finding
	Again time.Duration // from now until it is asked again; 0: never
}
