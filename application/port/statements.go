package port

import (
	"context"
	"errors"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Variant is a statement as one channel shows it.
type Variant struct {
	Subject string `json:"subject,omitempty"` // e-mail
	HTML    string `json:"html,omitempty"`    // e-mail
	Text    string `json:"text"`              // e-mail (plain), SMS, push (body)
	Title   string `json:"title,omitempty"`   // push; the subject of an LMS
	Class   string `json:"class,omitempty"`   // of a text message SMS or LMS; of an e-mail ADVERTISING, or empty for a bill
	// Unsubscribe is where one click takes the recipient of this e-mail off the list (RFC 8058): an https address.
	Unsubscribe string `json:"unsubscribe,omitempty"`
}

// Statement is one target's statement: all channel variants, in clear.
type Statement struct {
	Target   key.Target               `json:"target"`
	Variants map[channel.Kind]Variant `json:"variants"`
}

// StatementRef says where a statement lies in a pack. It is stored and sent encrypted.
type StatementRef struct {
	Bucket string `json:"bucket"`
	Key    string `json:"key"`
	Offset int64  `json:"offset"` // bytes from the pack's start
	Length int64  `json:"length"` // bytes
	SHA256 []byte `json:"sha256"` // of the stored bytes
}

// Errors of statements and ciphertexts.
var (
	// ErrContent: what was read is not the statement it should be: wrong hash, length or owner, or it does not
	// authenticate. It must never be sent.
	ErrContent = errors.New("the content is not what it should be")
	// ErrUnknownKey: encrypted with a key that this process does not have (yet): wait, spend nothing.
	ErrUnknownKey = errors.New("encrypted with an unknown key")
)

// MaxEntry bounds one entry of a pack, in bytes.
const MaxEntry = 4 << 20

// Packs stores statements in packs: one object holds one chunk of statements, each compressed and encrypted on its own.
type Packs interface {
	// Put writes one pack and returns a reference for each entry, in order. name is unique for the pack; writing the
	// same name again replaces it. entries are sealed statements. ErrUnavailable; ErrInvalid where there is no entry,
	// one is empty, or one is longer than MaxEntry.
	Put(ctx context.Context, name string, entries [][]byte) ([]StatementRef, error)
	// Get reads one entry. ErrUnavailable; ErrContent where the hash or length is wrong or the object is gone.
	Get(ctx context.Context, ref StatementRef) ([]byte, error)
}

// Purpose binds a ciphertext to what it belongs to: a swapped one does not authenticate.
type Purpose struct {
	Kind    string // "destination", "statement", "statement_ref", "billing_data"
	Target  key.Target
	Channel channel.Kind // of a destination; else ""
}

// The kinds of ciphertexts.
const (
	KindDestination  = "destination"
	KindStatement    = "statement"
	KindStatementRef = "statement_ref"
	KindBillingData  = "billing_data"
)

// Cipher encrypts and authenticates (AEAD).
type Cipher interface {
	// Seal encrypts under the primary key. ErrUnavailable where the key service is not there.
	Seal(plain []byte, purpose Purpose) ([]byte, error)
	// Open decrypts. ErrUnknownKey where the key is not in the set; ErrContent where it does not authenticate.
	Open(sealed []byte, purpose Purpose) ([]byte, error)
}

// Destination is a customer's address on a channel, encrypted for Purpose{KindDestination, target, channel}.
type Destination struct {
	Channel channel.Kind
	Sealed  []byte
}

// Bill is an imported bill that waits to be rendered.
type Bill struct {
	Target    key.Target
	Data      []byte // sealed, Purpose{KindBillingData, target}
	Reachable channel.Set
	Version   int32 // of the bill's data, raised by each correction
}

// RenderedBill tells where a rendered bill lies.
type RenderedBill struct {
	Target    key.Target
	Version   int32
	Statement []byte // sealed StatementRef
	Failed    string // the reason where it could not be rendered; "" otherwise
}

// Renders is the batch's own view of targets: it reads and writes the batch columns alone.
type Renders interface {
	// Find returns the bill of a customer number, whatever its status, to be looked at. ErrNotFound.
	Find(ctx context.Context, month key.Month, customer string) (Bill, error)
	// Next returns the next chunk of IMPORTED bills of the month in the order in which they will be dispatched
	// (available at, user id), behind the cursor, at most limit, and the cursor behind them.
	Next(ctx context.Context, month key.Month, after Cursor, limit int) ([]Bill, Cursor, error)
	// Mark stores references and marks bills RENDERED or RENDER_FAILED, each only while its version is the one that was
	// rendered. Returns how many were marked.
	Mark(ctx context.Context, bills []RenderedBill, at time.Time) (int, error)
}

// Corrections takes corrected data in the transaction that corrects the target.
type Corrections interface {
	// Correct locks the target of a customer, calls decide with it and its current ledger row (nil where there is
	// none), and stores what decide made of it with the new data: batch status IMPORTED, data version + 1.
	// decide may call revoke, once, to close the current key; it tells whether it did. Refused rows that the bill mends,
	// or that name its customer, are mended. All in one transaction.
	// ErrNotFound where the customer has no bill in the month; decide's error rolls back and is returned.
	Correct(ctx context.Context, bill ImportedBill, seal func(plain []byte, purpose Purpose) ([]byte, error), decide CorrectionDecision) error
}

// CorrectionDecision is the domain's word on a correction.
type CorrectionDecision func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error
