package port

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Copies keeps the copies of bills: targets of their own, which customers asked for after their bill was accepted. Everything
// that dispatches, delivers and settles treats them as any target; what counts bills leaves them out.
type Copies interface {
	// Add, in one transaction, locks the bill and its copies, calls decide with them (the copies by number), stores the copy
	// and audits it (CopyEntry). ErrNotFound if there is no such bill; ErrInvalid if its month is not open; ErrConflict if a
	// copy with the number is there already; an error of decide rolls back and is returned.
	Add(ctx context.Context, copied NewCopy, decide func(bill billing.Target, copies []billing.Target) error, by Act) error
	// List returns the copies that a filter chooses, sorted by user id: by number, then by bill. None of a month without any.
	List(ctx context.Context, filter CopyFilter) ([]CopyRecord, error)
}

// NewCopy is a copy to be stored. What is sealed is bound to the copy's own target.
type NewCopy struct {
	State       billing.State // its key says of which bill it is a copy, and its number
	Data        []byte        // the bill's, Purpose{KindBillingData, target}
	Destination Destination
	Statement   []byte // the StatementRef, Purpose{KindStatementRef, target}
}

// CopyFilter chooses copies of a month.
type CopyFilter struct {
	Month  key.Month
	UserID int64 // of the customer; 0: of every customer
	After  int64 // behind this user id of a copy
	Limit  int
}

// CopyRecord is a stored copy.
type CopyRecord struct {
	Customer string
	Target   billing.Target
	Rows     []attempt.Row // of the ledger, sorted by key
}

// CopyEntry is the entry of Copies.Add. Its subject is the bill.
func CopyEntry(copied NewCopy, by Act) AuditEntry {
	k := copied.State.Key
	return AuditEntry{Action: CopyAction(k, copied.Destination.Channel), Subject: k.Bill().String(), By: by}
}

// CopyAction is the action of making a copy.
func CopyAction(copied key.Target, by channel.Kind) Action {
	return ActionCopy.With(fmt.Sprintf("%d, by %s", copied.CopyNumber(), by))
}

// Channel returns the channel by which a copy goes.
func (c CopyRecord) Channel() channel.Kind {
	for _, kind := range c.Target.State().Reachable.Kinds() {
		return kind
	}
	return ""
}
