package port

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// Act says who does something and why. Every use case of an operator is audited with it.
type Act struct {
	Actor      string // created_by of what the act makes
	Reason     string
	At         time.Time
	ApprovedBy string // who let it happen, where that is somebody else; "": nobody was asked
}

// Approver is the act as its approver's: of the one who carried it out where nobody else was asked.
func (a Act) Approver() Act {
	if a.ApprovedBy != "" {
		a.Actor = a.ApprovedBy
	}
	return a
}

// Audit keeps what operators did. Whatever changes stored state writes its entry itself, in the transaction of the
// change: act and entry are committed together or not at all, and what changed nothing has no entry.
type Audit interface {
	// Record stores the entry of an act that stores nothing else (an export, a test message), or of one that leaves the
	// database (the removal of packs). Record it before the act.
	Record(ctx context.Context, entry AuditEntry) error
	// About returns what was done to any of the subjects, oldest first.
	About(ctx context.Context, subjects []string) ([]AuditEntry, error)
}

// AuditEntry is an act as Audit keeps it.
type AuditEntry struct {
	Action  string // as in "cancel"
	Subject string // what was acted on, as in "2026-11/4711": without personal data
	By      Act    // where At is zero, the database's time
}

// The actions that ports audit themselves.
const (
	ActionHalt           = "halt"
	ActionLiftHalt       = "lift halt"
	ActionCloseMonth     = "close month"
	ActionSuppress       = "suppress"
	ActionUnsuppress     = "lift suppression"
	ActionDraftPolicy    = "draft policy"
	ActionActivatePolicy = "activate policy"
	ActionCorrect        = "correct"
	ActionUndoImport     = "undo import"
	ActionDropMonth      = "month removed"
	ActionDropAudit      = "remove audit data"
)

// SubjectEverything is the subject of what concerns every bill.
const SubjectEverything = "everything"

// HaltEntry is the entry of Control.SetHalt.
func HaltEntry(on bool, by Act) AuditEntry {
	if on {
		return AuditEntry{Action: ActionHalt, Subject: SubjectEverything, By: by}
	}
	return AuditEntry{Action: ActionLiftHalt, Subject: SubjectEverything, By: by}
}

// DropAuditEntry is the entry of Retention.DropAudit.
func DropAuditEntry(before key.Month, size AuditSize, by Act) AuditEntry {
	action := fmt.Sprintf("%s: %d acts, %d runs, %d imports, %d months", ActionDropAudit, size.Acts, size.Runs, size.Imports, size.Months)
	return AuditEntry{Action: action, Subject: "before " + before.String(), By: by}
}

// CorrectEntry is the entry of Corrections.Correct.
func CorrectEntry(bill ImportedBill, by Act) AuditEntry {
	return AuditEntry{Action: ActionCorrect, Subject: CustomerSubject(bill.State.Key.Month, bill.Customer), By: by}
}

// UndoImportEntry is the entry of PastImports.BeginUndo.
func UndoImportEntry(record ImportRecord, by Act) AuditEntry {
	return AuditEntry{Action: fmt.Sprintf("%s %d: %s", ActionUndoImport, record.ID, record.File), Subject: record.Month.String(), By: by}
}

// CustomerSubject names a customer's bill in Audit if the target's key is not known.
func CustomerSubject(month key.Month, customer string) string {
	return month.String() + " customer " + customer
}
