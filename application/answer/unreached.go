package answer

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/sheet"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// unreachedPage is how many bills are in memory at once, however long the month's list is.
const unreachedPage = 1000

// UnreachedOptions say what an export of the unreached holds.
type UnreachedOptions struct {
	OnTheWay     bool      // include bills that may still be delivered
	Destinations bool      // include destinations, unencrypted
	Progress     func(int) // called after each page with the bills written so far; may be nil

	zone     *time.Location   // of the times
	versions billing.Policies // those that decide about reports
}

// UnreachedSummary counts an export.
type UnreachedSummary struct {
	Written  int            `json:"written"`
	ByStatus map[string]int `json:"by_status"`
	Noted    int            `json:"not_delivered"` // of them SUCCEEDED: reported as not delivered, which the policy only notes
	OnTheWay int            `json:"on_the_way"`    // may still be delivered; in the file only if asked for
	Rejected int            `json:"rejected"`      // rows that the imports refused: no bill, so not in the file
}

// unreached is a bill of the export.
type unreached struct {
	port.UnreachedBill

	noted bool // it stays SUCCEEDED, as the policy only notes that its message was not delivered
}

// ErrNoKeys is returned by an export without a keyset.
var ErrNoKeys = errors.New("names and amounts are sealed: the keyset is needed (BALSONG_KEYSET or BALSONG_KEYSET_FILE)")

// unreachedColumns are the columns of the export. The provider of the last try knows it by delivery_key, which is the
// idempotency key of its call and in the Message-ID of its e-mail, or by provider_message_id.
var unreachedColumns = []string{
	"customer_number", "name", "language", "currency", "amount", "due_date", "status", "why", "last_channel", "last_provider", "gateway_words", "last_try",
	"delivery_key", "provider_message_id",
}

// Kept returns port.ErrNotFound for a month that was never opened, or whose bills retention removed: of it nothing can be listed.
func (a *Answers) Kept(ctx context.Context, month key.Month) error {
	state, err := a.month(ctx, month)
	switch {
	case err != nil:
		return err
	case state.Month == 0:
		return fmt.Errorf("%s was never opened (an import opens a month): %w", month, port.ErrNotFound)
	case !state.DroppedAt.IsZero():
		return fmt.Errorf("the bills of %s were removed by retention: %w", month, port.ErrNotFound)
	}
	return nil
}

// Unreached writes those bills of a month that no gateway has accepted as CSV, for the postal mailing: PAUSED, UNKNOWN
// (which may have arrived), CANCELLED and every other end, and what could not be rendered. A bill that stays SUCCEEDED although its
// message for certain was not delivered is one of them. It has a byte order mark, and cells are guarded
// against being taken for formulas or changed by a spreadsheet. Destinations are left out unless options ask for them. It reads page by page and writes as
// it reads.
func (a *Answers) Unreached(ctx context.Context, month key.Month, to io.Writer, options UnreachedOptions) (UnreachedSummary, error) {
	s := UnreachedSummary{ByStatus: map[string]int{}}
	if a.Cipher == nil {
		return s, ErrNoKeys
	}
	f, err := a.Report.Funnel(ctx, month)
	if err != nil {
		return s, err
	}
	s.Rejected = f.Rejected
	if options.zone, err = a.Zone(ctx); err != nil {
		return s, err
	}
	if options.versions, err = a.versions(ctx); err != nil {
		return s, err
	}
	if _, err := io.WriteString(to, "\ufeff"); err != nil { // without it Korean Excel reads EUC-KR
		return s, err
	}
	file := csv.NewWriter(to)
	if err := file.Write(unreachedHeader(options)); err != nil {
		return s, err
	}
	for after, more := int64(0), true; more; {
		page, err := a.SealedBills.Unreached(ctx, month, after, unreachedPage, options.OnTheWay)
		if err != nil {
			return s, err
		}
		list, err := a.asReported(ctx, page, options.versions, options.OnTheWay)
		if err != nil {
			return s, err
		}
		if err := a.writeUnreached(file, list, options, &s); err != nil {
			return s, err
		}
		if options.Progress != nil {
			options.Progress(s.Written)
		}
		if more = len(page) == unreachedPage; more {
			after = page[len(page)-1].Target.Key().UserID
		}
	}
	file.Flush()
	if !options.OnTheWay {
		s.OnTheWay = max(0, f.Imported-f.Dispatch[billing.Succeeded]-(s.Written-s.Noted))
	}
	return s, file.Error()
}

// unreachedHeader returns the names of the export's columns.
func unreachedHeader(options UnreachedOptions) []string {
	header := slices.Clone(unreachedColumns)
	if options.Destinations {
		for _, kind := range channel.All {
			header = append(header, "destination_"+strings.ToLower(string(kind)))
		}
	}
	return header
}

// writeUnreached writes one page and counts it.
func (a *Answers) writeUnreached(file *csv.Writer, page []unreached, options UnreachedOptions, s *UnreachedSummary) error {
	for _, u := range page {
		row, err := a.unreachedRow(u, options)
		if err != nil {
			return err
		}
		if err := file.Write(row); err != nil {
			return err
		}
		s.Written++
		s.ByStatus[string(u.Target.Status())]++
		switch {
		case u.noted:
			s.Noted++
		case !port.Ended(u.Target.State()):
			s.OnTheWay++
		}
	}
	return nil
}

// unreachedRow returns one row of the export.
func (a *Answers) unreachedRow(u unreached, options UnreachedOptions) ([]string, error) {
	opened, err := bill.Open(port.Bill{Target: u.Target.Key(), Data: u.Data}, a.Cipher)
	reason, amount := why(u), ""
	switch {
	case errors.Is(err, port.ErrContent): // damaged: the customer is listed all the same
		reason += "; its data cannot be opened"
	case err != nil:
		return nil, err
	default:
		amount = bill.Decimal(opened.Amount, opened.Currency)
	}
	row := []string{
		u.Customer, opened.Name, opened.Language, opened.Currency, amount, opened.DueDate,
		string(u.Target.Status()), reason, string(u.Last.Channel), u.Last.Provider, u.Last.Detail, lastTry(u.Last, options.zone),
		deliveryKey(u.Last), u.Last.ProviderMessageID,
	}
	if options.Destinations {
		plain := a.destinations(u.Target.Key(), u.Destinations)
		for _, kind := range channel.All {
			row = append(row, plain[kind])
		}
	}
	for i := range row {
		row[i] = sheet.Keep(row[i])
	}
	return row, nil
}

// why returns in a few words why a bill was not delivered.
func why(u unreached) string {
	s := u.Target.State()
	switch {
	case s.Batch == billing.RenderFailed:
		return "could not be rendered: " + u.RenderError
	case s.Dispatch == billing.Paused:
		return string(s.Pause)
	case s.Dispatch == billing.Unknown, s.Dispatch == billing.WrittenOff:
		return "may have arrived: no answer is known"
	case s.Dispatch == billing.Cancelled:
		return "cancelled by an operator"
	case s.Dispatch == billing.Expired:
		return "deadline passed"
	case u.noted:
		return "accepted and reported as not delivered: " + string(u.Last.Class) + "; the policy only notes that"
	case s.Dispatch == billing.Exhausted && u.Last.Reported:
		return "accepted and reported as not delivered: " + string(u.Last.Class)
	case s.Dispatch == billing.Exhausted && u.Last.Class != "":
		return "every step refused, last: " + string(u.Last.Class)
	case s.Dispatch == billing.Exhausted:
		return "no step of the route is left"
	case s.Dispatch == billing.Succeeded: // until settlement has seen the report
		return "on the way: reported as not delivered"
	case s.Batch == billing.Imported:
		return "on the way: not rendered yet"
	default:
		return "on the way"
	}
}

// lastTry returns when a try ended, or else began; "" if there was none.
func lastTry(row attempt.Row, zone *time.Location) string {
	for _, at := range []time.Time{row.FinishedAt, row.ClaimedAt} {
		if !at.IsZero() {
			return at.In(zone).Format(time.RFC3339)
		}
	}
	return ""
}

// deliveryKey returns the key of a try; "" if there was none.
func deliveryKey(row attempt.Row) string {
	if row.Channel == "" {
		return ""
	}
	return row.Key.String()
}
