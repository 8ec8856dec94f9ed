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
	Text    string `json:"text"`              // e-mail (plain), SMS, push (body), AlimTalk
	Title   string `json:"title,omitempty"`   // push; the subject of an LMS
	Class   string `json:"class,omitempty"`   // of a text message SMS or LMS; of an e-mail ADVERTISING, or empty for a bill
	// Unsubscribe is where one click takes the recipient of this e-mail off the list (RFC 8058): an https address.
	Unsubscribe string `json:"unsubscribe,omitempty"`
	// Template is what AlimTalk.Encode writes; AlimTalk only.
	Template string `json:"template,omitempty"`
}

// Statement is one target's statement with the variants of all channels, unencrypted.
type Statement struct {
	Target   key.Target
	Variants map[channel.Kind]Variant
}

// StatementRef says where a statement lies in a pack. It is stored and sent encrypted.
type StatementRef struct {
	Bucket string
	Key    string
	Offset int64  // bytes from the pack's start
	Length int64  // bytes
	SHA256 []byte // of the stored bytes
}

// Errors of statements and ciphertexts.
var (
	// ErrContent: what was read is not the statement or data that it should be: its hash, length or owner is wrong, or
	// it does not authenticate. It must never be sent.
	ErrContent = errors.New("the content is not what it should be")
	// ErrUnknownKey: it is encrypted with a key that this process does not have (yet). Wait; that costs no attempt.
	ErrUnknownKey = errors.New("encrypted with an unknown key")
)

// MaxEntry bounds one entry of a pack, in bytes.
const MaxEntry = 4 << 20

// Packs stores statements in packs: an object that holds a chunk of statements, each compressed and encrypted on its
// own.
type Packs interface {
	// Put writes one pack of sealed statements and returns a reference for each entry, in order. name must be unique
	// for the content; writing a name again replaces the pack. ErrUnavailable; ErrInvalid if there is no entry, or one
	// is empty or longer than MaxEntry.
	Put(ctx context.Context, name string, entries [][]byte) ([]StatementRef, error)
	// Get reads one entry into buffer, or into memory of its own where its capacity is too small; nobody else shares the
	// result. ErrUnavailable; ErrContent if its hash or length is wrong, or the pack is gone.
	Get(ctx context.Context, ref StatementRef, buffer []byte) ([]byte, error)
}

// Purpose binds a ciphertext to what it belongs to: one that was swapped with another does not authenticate.
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

// Cipher encrypts with authentication (AEAD).
type Cipher interface {
	// Seal encrypts with the primary key. ErrUnavailable if the key service cannot be reached.
	Seal(plain []byte, purpose Purpose) ([]byte, error)
	// Open decrypts; the text lies in memory of its own. ErrUnknownKey if the key is not in the keyset; ErrContent if the ciphertext does not authenticate
	// for the purpose.
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

// RenderedBill is the result of rendering a bill.
type RenderedBill struct {
	Target    key.Target
	Version   int32
	Statement []byte // sealed StatementRef
	Failed    string // the reason where it could not be rendered; "" otherwise
}

// Renders is the batch's view of targets. It reads and writes the batch's columns only.
type Renders interface {
	// Find returns the bill of a customer, whatever its status. ErrNotFound.
	Find(ctx context.Context, month key.Month, customer string) (Bill, error)
	// Next returns at most limit IMPORTED bills of the month, those behind a cursor in the order in which they will be
	// dispatched (available at, user id), and the cursor behind them.
	Next(ctx context.Context, month key.Month, after Cursor, limit int) ([]Bill, Cursor, error)
	// Again makes RENDER_FAILED bills of the month IMPORTED again, which are at most limit and have user ids behind after. It
	// returns the last one's user id; 0: there was none.
	Again(ctx context.Context, month key.Month, after int64, limit int) (last int64, err error)
	// Mark stores references and marks bills RENDERED or RENDER_FAILED, except bills whose version is no longer the one
	// that was rendered. set is the number of the template set that rendered them; 0: none. It returns how many it marked.
	Mark(ctx context.Context, bills []RenderedBill, set int16, at time.Time) (int, error)
}

// Corrections stores corrected data in the transaction that changes the target.
type Corrections interface {
	// Correct, in one transaction, locks the customer's target, calls decide with it and its current ledger row (nil if
	// there is none), and stores what decide made of the target together with the new data: batch status IMPORTED, data
	// version + 1. decide may call revoke, once, to close the current key; it returns whether it did. Refused rows that
	// the bill names in Resolves, or that name its customer, become resolved. It is audited (CorrectEntry). ErrNotFound
	// if the customer has no bill in the month; an error of decide rolls back and is returned.
	Correct(ctx context.Context, bill ImportedBill, seal func(plain []byte, purpose Purpose) ([]byte, error), decide CorrectionDecision, by Act) error
}

// CorrectionDecision decides whether a correction is made, and changes the target accordingly.
type CorrectionDecision func(target *billing.Target, current *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error
