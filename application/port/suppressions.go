package port

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// Contact is a customer on a channel.
type Contact struct {
	UserID  int64
	Channel channel.Kind
}

// Subject names the contact in Audit.
func (c Contact) Subject() string { return fmt.Sprintf("user %d on %s", c.UserID, c.Channel) }

// Use is a message of a class to a contact.
type Use struct {
	Contact
	Class policy.MessageClass
}

// Suppressions is the suppression list, by customer and channel.
type Suppressions interface {
	// Suppressed returns those uses that an entry of the list covers, and that so must not be made.
	Suppressed(ctx context.Context, uses []Use) ([]Use, error)
	// Suppress adds contacts to the list, with the act's reason. What is on it already stays as it is, unless the scope
	// is wider. Each contact that was added or widened is audited
	// (SuppressAction).
	Suppress(ctx context.Context, scope policy.Scope, contacts []Contact, by Act) error
	// Lift removes contacts from the list. Each contact that was removed is audited (ActionUnsuppress).
	Lift(ctx context.Context, contacts []Contact, by Act) error
	// Of returns a customer's entries, in the order of the channels.
	Of(ctx context.Context, userID int64) ([]Suppression, error)
	// Count returns the number of entries.
	Count(ctx context.Context) (int, error)
}

// Suppression is an entry of the suppression list.
type Suppression struct {
	Contact
	Scope  policy.Scope
	Reason string
	Since  time.Time // by the database's clock
}
