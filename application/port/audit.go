package port

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
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
	// List returns the acts that a filter chooses, newest first, at most limit.
	List(ctx context.Context, filter AuditFilter, limit int) ([]AuditRecord, error)
}

// AuditFilter chooses acts: those to which each of its fields that is not zero applies.
type AuditFilter struct {
	Month    key.Month // on the month, or on one of its bills
	Subjects []string  // on any of them
	Actor    string    // by this actor, or with this name as the approver's
	Action   Action    // with or without a detail
	Since    time.Time // not older
	Until    time.Time // older
	Before   int64     // with a smaller id: to page on
}

// Chooses reports whether the filter chooses an act.
func (f AuditFilter) Chooses(r AuditRecord) bool {
	month := f.Month.String()
	return (f.Month == 0 || r.Subject == month || strings.HasPrefix(r.Subject, month+"/") || strings.HasPrefix(r.Subject, month+" ")) &&
		(len(f.Subjects) == 0 || slices.Contains(f.Subjects, r.Subject)) &&
		(f.Actor == "" || r.By.Actor == f.Actor || r.By.ApprovedBy == f.Actor) &&
		(f.Action == "" || r.Action == f.Action || strings.HasPrefix(string(r.Action), string(f.Action.With("")))) &&
		!r.By.At.Before(f.Since) && (f.Until.IsZero() || r.By.At.Before(f.Until)) && (f.Before == 0 || r.ID < f.Before)
}

// AuditRecord is an act as it is listed.
type AuditRecord struct {
	ID int64 // later acts have larger ones
	AuditEntry
}

// AuditEntry is an act as Audit keeps it.
type AuditEntry struct {
	Action  Action
	Subject string // what was acted on, as in "2026-11/4711": without personal data
	By      Act    // where At is zero, the database's time
}

// Action is what was done.
type Action string

// The actions. Some carry a detail: see With.
const (
	// On one bill.
	ActionCancel       Action = "cancel"
	ActionUncancel     Action = "un-cancel"
	ActionPause        Action = "pause"
	ActionResume       Action = "resume"
	ActionSendAnyway   Action = "send anyway"
	ActionWriteOff     Action = "write off"
	ActionDelivered    Action = "verdict: delivered"
	ActionNotDelivered Action = "verdict: not delivered"
	ActionCorrect      Action = "correct"
	ActionCopy         Action = "copy" // with its number and channel
	ActionSendTest     Action = "send test"
	// On a month.
	ActionCloseMonth        Action = "close month"                                          // with what was left, where it was forced
	ActionImportWrongMonth  Action = "import although the file seems to be another month's" // with the sign, and the file's name
	ActionUndoImport        Action = "undo import"
	ActionDismissRow        Action = "dismiss refused row" // with the file and the line
	ActionReopenMonth       Action = "reopen month"
	ActionImportNew         Action = "import new bills after dispatch has begun" // with the file's name
	ActionRenderOther       Action = "render with other templates"               // with the set, and the one before it
	ActionExport            Action = "export the unreached"
	ActionExportDestination Action = "export the unreached, with destinations in clear"
	ActionRemoveMonth       Action = "remove month" // before it: with what goes
	ActionDropMonth         Action = "month removed"
	ActionDropAudit         Action = "remove audit data" // with what goes
	// On a month, or on everything: before it, with the token or the name.
	ActionStartRun      Action = "start run"
	ActionScheduleRun   Action = "schedule run"
	ActionUnscheduleRun Action = "remove scheduled run"
	// On everything, or on a channel.
	ActionHalt     Action = "halt"
	ActionLiftHalt Action = "lift halt"
	// On everything.
	ActionRestoreCheck   Action = "restore check"           // before it writes: with the moment to which the database was restored
	ActionRestoreChecked Action = "restore check completed" // with the same moment
	ActionSuppress       Action = "suppress"
	ActionSuppressAds    Action = "suppress advertising"
	ActionUnsuppress     Action = "lift suppression"
	ActionDraftPolicy    Action = "draft policy"
	ActionActivatePolicy Action = "activate policy"
)

// Actions are all of them.
var Actions = []Action{
	ActionCancel, ActionUncancel, ActionPause, ActionResume, ActionSendAnyway, ActionWriteOff, ActionDelivered, ActionNotDelivered, ActionCorrect, ActionCopy, ActionSendTest,
	ActionCloseMonth, ActionReopenMonth, ActionImportWrongMonth, ActionUndoImport, ActionDismissRow, ActionImportNew, ActionRenderOther, ActionExport, ActionExportDestination, ActionRemoveMonth, ActionDropMonth, ActionDropAudit,
	ActionStartRun, ActionScheduleRun, ActionUnscheduleRun, ActionHalt, ActionLiftHalt, ActionRestoreCheck, ActionRestoreChecked, ActionSuppress, ActionSuppressAds, ActionUnsuppress, ActionDraftPolicy, ActionActivatePolicy,
}

// With is the action with a detail.
func (a Action) With(detail string) Action { return a + ": " + Action(detail) }

// SubjectEverything is the subject of what concerns every bill.
const SubjectEverything = "everything"

// SuppressAction is the action of Suppressions.Suppress.
func SuppressAction(scope policy.Scope) Action {
	if scope == policy.ScopeAdvertising {
		return ActionSuppressAds
	}
	return ActionSuppress
}

// HaltEntry is the entry of Control.SetHalt.
func HaltEntry(on bool, by Act) AuditEntry {
	if on {
		return AuditEntry{Action: ActionHalt, Subject: SubjectEverything, By: by}
	}
	return AuditEntry{Action: ActionLiftHalt, Subject: SubjectEverything, By: by}
}

// ChannelHaltEntry is the entry of ChannelHalts.Set, with the share in percent where a halt that is lifted names one.
func ChannelHaltEntry(kind channel.Kind, on bool, share int, by Act) AuditEntry {
	entry := HaltEntry(on, by)
	entry.Subject = ChannelSubject(kind)
	if !on && share > 0 {
		entry.Action = entry.Action.With(fmt.Sprintf("until %d%% are refused", share))
	}
	return entry
}

// ChannelSubject names a channel in the audit data.
func ChannelSubject(kind channel.Kind) string { return "channel " + string(kind) }

// DropAuditEntry is the entry of Retention.DropAudit.
func DropAuditEntry(before key.Month, size AuditSize, by Act) AuditEntry {
	return AuditEntry{Action: ActionDropAudit.With(size.String()), Subject: "before " + before.String(), By: by}
}

// CloseMonthEntry is the entry of Months.Close.
func CloseMonthEntry(month key.Month, left string, by Act) AuditEntry {
	entry := AuditEntry{Action: ActionCloseMonth, Subject: month.String(), By: by}
	if left != "" {
		entry.Action = ActionCloseMonth.With(left)
	}
	return entry
}

// CorrectEntry is the entry of Corrections.Correct.
func CorrectEntry(bill ImportedBill, by Act) AuditEntry {
	return AuditEntry{Action: ActionCorrect, Subject: CustomerSubject(bill.State.Key.Month, bill.Customer), By: by}
}

// UndoImportEntry is the entry of PastImports.BeginUndo.
func UndoImportEntry(record ImportRecord, by Act) AuditEntry {
	return AuditEntry{Action: ActionUndoImport.With(fmt.Sprintf("%d, %s", record.ID, record.File)), Subject: record.Month.String(), By: by}
}

// CustomerSubject names a customer's bill in Audit if the target's key is not known.
func CustomerSubject(month key.Month, customer string) string {
	return month.String() + " customer " + customer
}

// TestSubject names a test message that shows a customer's bill.
func TestSubject(month key.Month, customer string, kind channel.Kind) string {
	return fmt.Sprintf("%s of customer %s, by %s", month, customer, kind)
}
