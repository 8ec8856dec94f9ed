package answer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Stored is a bill's statement exactly as it is stored: as it goes out, or went out.
type Stored struct {
	Customer   string         `json:"customer"`
	Month      key.Month      `json:"month"`
	Key        string         `json:"key"`
	Copy       int            `json:"copy,omitempty"` // the number of a copy
	Dispatch   billing.Status `json:"dispatch_status"`
	RenderedAt time.Time      `json:"rendered_at"`
	Zone       string         `json:"zone"` // of the times in the sentences
	// Remark says that the words which went out are no longer stored; "": they are these.
	Remark   string          `json:"remark,omitempty"`
	Channels []StoredVariant `json:"channels"` // in the order of channel.All
	// OtherMonths are those in which the customer has a bill too; empty where a month was asked for.
	OtherMonths []story.OtherMonth `json:"other_months,omitempty"`

	zone *time.Location // nil: UTC
}

// Rendered says when the statement was rendered, in the zone that people are shown.
func (s Stored) Rendered() string {
	if s.zone == nil {
		return Clock(s.RenderedAt, time.UTC)
	}
	return Clock(s.RenderedAt, s.zone)
}

// StoredVariant is a statement as one channel shows it.
type StoredVariant struct {
	Channel  channel.Kind `json:"channel"`
	To       string       `json:"to"`       // where it goes, masked; "": the customer cannot be reached on this channel
	Standing string       `json:"standing"` // what became of it on this channel, in words
	port.Variant
}

// NoStatement is the error for a bill that has no stored statement. It wraps port.ErrNotFound.
type NoStatement struct {
	Why  string // in a few words
	Next string // what to do
}

// Error implements error.
func (n *NoStatement) Error() string { return "no statement is stored: " + n.Why + "; " + n.Next }

// Unwrap returns port.ErrNotFound.
func (n *NoStatement) Unwrap() error { return port.ErrNotFound }

// Stored returns the stored statement of a customer's bill, or of a copy, as FindCopy finds it, with the variants of the given
// channels, or of all. The error is a *NoStatement where none is stored. What is stored and cannot be read is told with what to do.
func (a *Answers) Stored(ctx context.Context, month key.Month, customer string, number int, kinds ...channel.Kind) (Stored, error) {
	found, err := a.FindCopy(ctx, month, customer, number)
	if err != nil {
		return Stored{}, err
	}
	if a.Cipher == nil || a.Packs == nil {
		return Stored{}, ErrNoKeys
	}
	zone, err := a.Zone(ctx)
	if err != nil {
		return Stored{}, err
	}
	origin, err := a.Report.Origin(ctx, found.Target.Key())
	if err != nil {
		return Stored{}, err
	}
	if none := missingStatement(found, origin); none != nil {
		return Stored{}, none
	}
	sealed, err := a.SealedBills.Sealed(ctx, found.Target.Key())
	if err != nil {
		return Stored{}, err
	}
	opened, ref, err := statement.Fetch(ctx, sealed.Statement, found.Target.Key(), a.Packs, a.Cipher, kinds...)
	if err != nil {
		return Stored{}, unreadable(err, ref)
	}
	s := Stored{
		Customer: found.Customer, Month: found.Target.Key().Month, Key: found.Target.Key().String(), Copy: number, Dispatch: found.Target.Status(),
		RenderedAt: origin.RenderedAt.UTC(), Zone: zone.String(), zone: zone, Remark: replaced(found.Rows, origin, zone), Channels: []StoredVariant{},
	}
	if month == 0 {
		if s.OtherMonths, err = a.otherMonths(ctx, found); err != nil {
			return Stored{}, err
		}
	}
	to := a.destinations(found.Target.Key(), sealed.Destinations)
	for _, kind := range channel.All {
		variant, there := opened.Variants[kind]
		if !there {
			continue
		}
		v := StoredVariant{Channel: kind, Standing: became(found, kind, zone), Variant: variant}
		if plain, known := to[kind]; known {
			v.To = channel.Mask(plain)
		}
		s.Channels = append(s.Channels, v)
	}
	return s, nil
}

// missingStatement says why a bill has no statement; nil where it has one.
func missingStatement(found Found, origin port.Origin) error {
	month := found.Target.Key().Month
	switch found.Target.State().Batch {
	case billing.RenderFailed:
		return &NoStatement{
			Why:  "the bill could not be rendered (" + origin.RenderError + ")",
			Next: fmt.Sprintf("correct its data (`balsong batch import --month %s --correct …`) or the templates (`balsong templates check`), and render it: `balsong batch render --month %s --failed`", month, month),
		}
	case billing.Rendered:
		return nil
	default:
		return &NoStatement{
			Why:  "the bill is not rendered yet",
			Next: fmt.Sprintf("`balsong batch render --month %s` renders it, `balsong render --preview %s %s` shows how it would look", month, month, found.Customer),
		}
	}
}

// unreadable says what to do about a statement that is stored and cannot be read.
func unreadable(err error, ref port.StatementRef) error {
	switch {
	case errors.Is(err, port.ErrUnknownKey):
		return fmt.Errorf("%w: `balsong keyset show` lists the keys of this keyset; use the one with which the month was rendered (BALSONG_KEYSET or BALSONG_KEYSET_FILE)", err)
	case errors.Is(err, port.ErrContent) && ref.Key != "":
		return fmt.Errorf("%w: restore the object %s of the bucket %s (an earlier version of it, or a backup); until then delivery does not send this bill", err, ref.Key, ref.Bucket)
	case errors.Is(err, port.ErrUnavailable):
		return fmt.Errorf("ask the store of statements (BALSONG_S3_…; `balsong doctor` looks at it): %w", err)
	default:
		return err
	}
}

// replaced says that the bill was corrected and rendered again after the try that a gateway accepted; "" where it was not.
func replaced(rows []attempt.Row, origin port.Origin, zone *time.Location) string {
	for _, row := range rows {
		if row.State == attempt.Succeeded && !row.ClaimedAt.IsZero() && origin.RenderedAt.After(row.ClaimedAt) {
			return fmt.Sprintf("What went out on %s had the words of before: the bill was corrected after that, and this is what was rendered then.", Clock(row.ClaimedAt, zone))
		}
	}
	return ""
}

// became says what became of a bill on one channel.
func became(found Found, kind channel.Kind, zone *time.Location) string {
	for _, row := range slices.Backward(found.Rows) {
		if row.Channel != kind {
			continue
		}
		switch row.State {
		case attempt.Succeeded:
			return fmt.Sprintf("accepted on %s under the key %s", Clock(later(row.FinishedAt, row.ClaimedAt), zone), row.Key)
		case attempt.Unknown, attempt.Claimed:
			return fmt.Sprintf("may have been accepted: %s has no known answer", row.Key)
		case attempt.Failed:
			return fmt.Sprintf("refused under the key %s (%s)", row.Key, row.Class)
		default:
			return "not sent so far"
		}
	}
	if !found.Target.State().Reachable.Has(kind) {
		return "the customer has no destination on this channel"
	}
	return "not tried"
}
