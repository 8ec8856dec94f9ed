package port

import (
	"cmp"
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

// Compare orders contacts by customer and the channel's name.
func (c Contact) Compare(other Contact) int {
	return cmp.Or(cmp.Compare(c.UserID, other.UserID), cmp.Compare(c.Channel, other.Channel))
}

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
	// List returns the entries that a filter chooses, sorted by customer and the channel's name.
	List(ctx context.Context, filter SuppressionFilter) ([]Suppression, error)
	// Count returns the number of entries.
	Count(ctx context.Context) (int, error)
}

// SuppressionFilter chooses entries of the suppression list: those to which each of its fields that is not zero applies.
type SuppressionFilter struct {
	UserID  int64
	Channel channel.Kind
	Scope   policy.Scope
	After   Contact // behind this one, to page on
	Limit   int     // at most; required
}

// OfCustomer chooses every entry of a customer.
func OfCustomer(userID int64) SuppressionFilter {
	return SuppressionFilter{UserID: userID, Limit: len(channel.All)}
}

// Chooses reports whether the filter chooses an entry.
func (f SuppressionFilter) Chooses(s Suppression) bool {
	return (f.UserID == 0 || s.UserID == f.UserID) && (f.Channel == "" || s.Channel == f.Channel) && (f.Scope == "" || s.Scope == f.Scope) && f.After.Compare(s.Contact) < 0
}

// Suppression is an entry of the suppression list.
type Suppression struct {
	Contact
	Scope  policy.Scope
	Reason string
	Since  time.Time // by the database's clock
}
