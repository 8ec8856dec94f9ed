package importing

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Rules say for which month bills are imported, and which of them are taken.
type Rules struct {
	Month           key.Month
	NotBefore       time.Time      // the opening of dispatch: no bill goes out before; required
	Zone            *time.Location // of send days and quiet hours where a row names none; required
	Correct         bool           // a row that differs from the stored bill replaces it, if the bill may still change; needs who and why
	AllowNew        bool           // take bills of customers that the month does not have although its dispatch has begun; needs who and why
	AllowConcurrent bool           // run although another import of the month is running
	AllowWrongMonth bool           // import although the file seems to be another month's; needs who and why
	AllowMapping    bool           // use a mapping although the month has been imported with another one
	RemoveContacts  bool           // a correction takes away addresses that its row does not have; without, such a row is in conflict
	FirstAddress    bool           // of several addresses in one field use the first; without: none
}

// Options are an import's parameters.
type Options struct {
	Rules    Rules
	By       port.Act  // who imports, and why; both may be empty unless the rules need them
	Control  *Control  // what the file is expected to come to; nil: nothing
	Rejects  io.Writer // receives the refused rows as rejects.csv; may be nil
	Remarks  io.Writer // receives the remarks as CSV; may be nil
	Reporter Reporter  // may be nil
	Workers  int       // chunks stored at once; default 2
}

// Reporter receives the progress of an import. Its methods are called from one goroutine at a time.
type Reporter interface {
	// Note is called with what a person should know about the file or the month.
	Note(text string)
	// Refused is called for each row that is not taken.
	Refused(r Refusal)
	// Remarked is called for each remark about a row that is taken.
	Remarked(r Remark)
	// Progress is called after each chunk.
	Progress(p Progress)
	// Totals is called once, at the end, also where the import ends with an error.
	Totals(totals []Total)
}

// Silent is a reporter that reports nothing; reporters of one thing embed it.
type Silent struct{}

// Note implements Reporter.
func (Silent) Note(string) {}

// Refused implements Reporter.
func (Silent) Refused(Refusal) {}

// Remarked implements Reporter.
func (Silent) Remarked(Remark) {}

// Totals implements Reporter.
func (Silent) Totals([]Total) {}

// Progress implements Reporter.
func (Silent) Progress(Progress) {}

// checked returns the options with their defaults. ErrInvalid if they cannot be used.
func (o Options) checked() (Options, error) {
	if o.Workers < 1 {
		o.Workers = 2
	}
	if o.Reporter == nil {
		o.Reporter = Silent{}
	}
	r := o.Rules
	switch {
	case r.Month == 0:
		return o, fmt.Errorf("%w: the import needs a billing month", port.ErrInvalid)
	case r.Month.Year() < 2000 || r.Month.Year() > 2199:
		return o, fmt.Errorf("%w: the billing month %s is out of range (2000-01 to 2199-12)", port.ErrInvalid, r.Month)
	case r.NotBefore.IsZero():
		return o, fmt.Errorf("%w: the import needs the instant at which dispatch opens", port.ErrInvalid)
	case r.Zone == nil:
		return o, fmt.Errorf("%w: the import needs a default time zone", port.ErrInvalid)
	case (r.Correct || r.AllowNew || r.AllowWrongMonth) && (strings.TrimSpace(o.By.Actor) == "" || strings.TrimSpace(o.By.Reason) == ""):
		return o, fmt.Errorf("%w: a correction, new bills after dispatch has begun, and the file of another month need who and why", port.ErrInvalid)
	}
	return o, nil
}

// Progress is how far an import is.
type Progress struct {
	Rows  int   // rows read so far, the header and empty lines not counted
	Bytes int64 // bytes read so far, unpacked
	All   int64 // bytes of the whole file, unpacked; 0: not known
}

// Refusal is a row that was not taken. The customer number is the only personal data in it.
type Refusal struct {
	Line     int    // in this file
	Customer string // the customer number; "" if it could not be read
	Field    string // the column, or all that are wrong: "email; amount"; "" if it is about the whole row
	Reason   string // where several columns are wrong, each reason follows its column: "email is empty; amount is too large"
	Conflict bool   // another bill of the customer is stored and stays, or the bill is new and dispatch has begun; otherwise the row is rejected
}

// Text says what is wrong with the row, beginning with the column where that is one.
func (r Refusal) Text() string {
	if strings.Contains(r.Field, faultSeparator) {
		return r.Reason
	}
	return strings.TrimSpace(r.Field + " " + r.Reason)
}

// Summary is the result of an import. Rows = Inserted + Unchanged + Corrected + Conflicts + Rejected + Resolved.
type Summary struct {
	Rows      int `json:"rows"`
	Inserted  int `json:"inserted"`
	Unchanged int `json:"unchanged"`      // stored already: importing twice changes nothing
	Corrected int `json:"corrected"`      // replaced another bill that was stored
	Conflicts int `json:"conflicts"`      // not taken because of what the month has: another bill of the customer that stays; or none, after dispatch has begun
	Rejected  int `json:"rejected"`       // refused, each with line, field and reason
	Resolved  int `json:"resolved_since"` // refused as before, and resolved since: nothing is left to do about them
	Remarks   int `json:"-"`              // remarks about rows that were taken
	Blank     int `json:"blank"`          // rows whose fields are all blank, which are skipped: no part of Rows

	ContactsKept    int `json:"contacts_kept"`    // addresses of bills that their rows would have taken away: these rows are in conflict
	ContactsRemoved int `json:"contacts_removed"` // addresses that corrections took away
}
