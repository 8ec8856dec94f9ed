package importing

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/balsong/balsong/application/sheet"
)

// RemarkKind is the kind of a remark; it is counted.
type RemarkKind string

// The kinds of remarks.
const (
	ContactLeftOut      RemarkKind = "contact_left_out"     // the address is wrong: the bill goes in without that channel
	NoMobileNumber      RemarkKind = "no_mobile_number"     // a landline and the like: the bill goes in without SMS
	SeveralAddresses    RemarkKind = "several_addresses"    // the field has several: the bill goes in without that channel
	FirstAddressTaken   RemarkKind = "first_address_taken"  // the field has several: the first is used, as was asked for
	NoChannelLeft       RemarkKind = "no_channel_left"      // every address was left out: dispatch will pause the bill
	CustomerNormalized  RemarkKind = "customer_normalized"  // the customer number had invisible characters or others of the same meaning
	CustomerSpreadsheet RemarkKind = "customer_spreadsheet" // the customer number looks like one that a spreadsheet has rounded
	CustomerLooksAlike  RemarkKind = "customer_looks_alike" // another customer of the file has a number that differs in case or looks the same
	DueBeforeMonth      RemarkKind = "due_before_month"     // the bill is due before its month begins
	CreditNote          RemarkKind = "credit_note"          // the total is negative
)

// Remark is something about a row that a person should look at. The row is taken all the same. The text never holds the
// value of a field; the customer number is the only personal data.
type Remark struct {
	Line     int
	Customer string
	Field    string
	Kind     RemarkKind
	Text     string
}

// remarkFile writes remarks as CSV. It is for people and spreadsheets: it cannot be imported.
type remarkFile struct {
	to     *csv.Writer
	file   string
	headed bool
}

func newRemarkFile(to io.Writer, file string) *remarkFile {
	return &remarkFile{to: csv.NewWriter(to), file: file}
}

func (f *remarkFile) add(r Remark) error {
	if !f.headed {
		f.headed = true
		if err := f.write(string(byteOrderMark)+"file", "line", "customer_number", "field", "kind", "remark"); err != nil {
			return err
		}
	}
	return f.write(sheet.Guard(f.file), strconv.Itoa(r.Line), sheet.Guard(r.Customer), r.Field, string(r.Kind), r.Text)
}

func (f *remarkFile) write(fields ...string) error {
	if err := f.to.Write(fields); err != nil {
		return fmt.Errorf("write the remarks: %w", err)
	}
	return nil
}

func (f *remarkFile) flush() error {
	f.to.Flush()
	if err := f.to.Error(); err != nil {
		return fmt.Errorf("write the remarks: %w", err)
	}
	return nil
}
