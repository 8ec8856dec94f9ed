package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// ImportedBill is an accepted row of billing data, to be stored.
type ImportedBill struct {
	Customer     string        // customer number: text, unique
	State        billing.State // as the domain made it; Key.UserID is 0, because the store assigns it
	Data         []byte        // the bill itself as canonical JSON, unencrypted; the store encrypts it by seal
	Destinations map[channel.Kind]string
	Fingerprint  [32]byte // SHA-256 of the canonical row: the same row again changes nothing
	File         string   // the import's, without folders
	Line         int
	Import       int64       // the id of the import's record; 0: none
	Resolves     RejectedRow // the refused row that this one replaces; zero: none
}

// RejectedRow identifies a refused row, for good, by the file and line where it was refused first. The zero value names
// none.
type RejectedRow struct {
	File string
	Line int
}

// ImportReport is the result of storing a chunk of an import.
type ImportReport struct {
	Inserted  int
	Unchanged int // the same bill was there already
	Conflicts []ImportConflict
	New       []ImportConflict // Compare alone: bills of customers that have none in the month
}

// ImportConflict is a row that is not stored: it differs from what was imported for the same customer and month, or
// Compare found it.
type ImportConflict struct {
	Customer string
	Line     int
}

// Imports stores billing data.
type Imports interface {
	// Store inserts the bills of a chunk in one transaction. Customers get a user id with their first bill and keep it.
	// seal encrypts a bill's data and destinations once its user id is known; it is required, and called from one
	// goroutine. Importing the same bill again changes nothing. Of several rows of one customer in a chunk the first
	// counts. A refused row of the month becomes resolved by a bill that names it in Resolves and is stored, now or before,
	// and by a new bill of the customer that it named. ErrInvalid if the month was never opened.
	Store(ctx context.Context, month key.Month, bills []ImportedBill, seal func(plain []byte, purpose Purpose) ([]byte, error)) (ImportReport, error)
	// Compare is Store without new bills: what Store would insert is in New. A bill that is stored as it is resolves the
	// refused row that it names.
	Compare(ctx context.Context, month key.Month, bills []ImportedBill) (ImportReport, error)
	// TryLockMonth claims a month for one import, until release is called or the process ends. Where another has it, release
	// is nil and other is the import of the month that began last and has not ended (the zero record: none is known).
	// What the other methods promise holds without it.
	TryLockMonth(ctx context.Context, month key.Month) (release func(), other ImportRecord, err error)
	// Begin stores the record of an import that begins and returns its id, counted from 1. The entries are audited in
	// the same transaction.
	Begin(ctx context.Context, record ImportRecord, entries ...AuditEntry) (int64, error)
	// End overwrites the record of an import. ErrNotFound if it never began.
	End(ctx context.Context, record ImportRecord) error
	// Reject notes refused rows. A file and line that is noted already stays as it is. Returns those of them that were
	// noted with the same customer, field and reason, and resolved since.
	Reject(ctx context.Context, month key.Month, rejects []Reject) (resolved []RejectedRow, err error)
}

// Reject is one refused row of an import.
type Reject struct {
	File     string // with the line: where it was refused first
	Line     int
	Field    string // "" where it is the whole row
	Reason   string
	Customer string // whose bill it would be; "" where that could not be read, or another row of the file has it
	Import   int64  // the id of the import's record; 0: none
}

// ImportRecord is the record of one import.
type ImportRecord struct {
	ID         int64
	Month      key.Month
	File       string // without folders
	By         Act
	StartedAt  time.Time
	FinishedAt time.Time // zero: it is under way, or it died
	Rows       int
	Inserted   int
	Unchanged  int
	Corrected  int
	Conflicts  int
	Rejected   int
	Error      string    // "" where it came to its end
	UndoneAt   time.Time // when it began to be taken back; zero: it was not
	Undone     int       // bills that were removed then
	Mapping    [32]byte  // the fingerprint of its mapping; zero: the file had the columns of billing data
}

// IsGone reports whether an import was taken back with every bill that it brought.
func (r ImportRecord) IsGone() bool { return !r.UndoneAt.IsZero() && r.Undone >= r.Inserted }

// HasNoBills reports whether an import came to its end and no bill of the month is as its file says.
func (r ImportRecord) HasNoBills() bool {
	return !r.FinishedAt.IsZero() && r.Error == "" && r.Inserted+r.Corrected+r.Unchanged == 0
}

// Origin says where the data of a bill came from and what the batch made of it.
type Origin struct {
	File        string
	Line        int
	Version     int32        // of the data: 1, and one more by each correction
	Import      ImportRecord // the import that brought this version; its ID is 0 where none was recorded
	RenderedAt  time.Time    // of this version; zero: not yet
	RenderError string       // why it could not be rendered
	Templates   string       // the set with which it was rendered, as TemplateSet.String names it; "": not known
}
