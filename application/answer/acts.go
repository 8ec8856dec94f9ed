package answer

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// ActsFilter chooses acts: zero fields choose all.
type ActsFilter struct {
	Month    key.Month // on the month, or on one of its bills
	Customer string    // on this customer's bills and contacts
	Actor    string
	Action   port.Action
	Since    Bound
	Until    Bound
	Before   int64 // the Next of the page before
}

// Acts is a page of what people did.
type Acts struct {
	Zone string `json:"zone"` // in which people are shown the times; here they are in UTC
	Acts []Act  `json:"acts"` // the newest first
	Next int64  `json:"next"` // continues the list as Before; 0: there are no more

	zone *time.Location
}

// Location is the zone that people are shown the times in.
func (a Acts) Location() *time.Location { return a.zone }

// Act is what somebody did.
type Act struct {
	ID           int64       `json:"id"`
	At           time.Time   `json:"at"`
	Actor        string      `json:"actor"`
	Action       port.Action `json:"action"`
	Customer     string      `json:"customer,omitempty"` // looked up now, where the subject names a customer by user id
	Subject      string      `json:"subject"`
	Reason       string      `json:"reason"`
	ApprovalNote string      `json:"approval_note,omitempty"`
}

// ErrRange is returned where a time range ends before it begins.
var ErrRange = errors.New("the time range ends before it begins")

// Acts lists what people did, the newest first, at most limit. port.ErrNotFound where a customer is named who has no bill; ErrRange.
func (a *Answers) Acts(ctx context.Context, f ActsFilter, limit int) (Acts, error) {
	zone, err := a.Zone(ctx)
	if err != nil {
		return Acts{}, err
	}
	page := Acts{Zone: zone.String(), Acts: []Act{}, zone: zone}
	filter := port.AuditFilter{Month: f.Month, Actor: f.Actor, Action: f.Action, Since: f.Since.first(zone), Until: f.Until.end(zone), Before: f.Before}
	if !filter.Until.IsZero() && !filter.Since.Before(filter.Until) {
		return page, ErrRange
	}
	if f.Customer != "" {
		if filter.Subjects, err = a.subjects(ctx, f.Month, f.Customer); err != nil {
			return page, err
		}
		filter.Month = 0 // contacts have no month
	}
	records, err := a.Audit.List(ctx, filter, limit+1)
	if len(records) > limit {
		records = records[:limit]
		page.Next = records[limit-1].ID
	}
	if err != nil {
		return page, err
	}
	var ids []int64
	for _, r := range records {
		if id := userOf(r.Subject); id != 0 {
			ids = append(ids, id)
		}
	}
	names, err := a.Report.Customers(ctx, ids)
	for _, r := range records {
		page.Acts = append(page.Acts, Act{
			ID: r.ID, At: r.By.At.UTC(), Actor: r.By.Actor, Action: r.Action, Customer: names[userOf(r.Subject)], Subject: r.Subject, Reason: r.By.Reason, ApprovalNote: r.By.ApprovedBy,
		})
	}
	return page, err
}

// userOf is the user id of the customer in a subject such as "2026-11/4711" or "user 4711 on SMS"; 0 where it has none.
func userOf(subject string) int64 {
	var id int64
	if month, number, ok := strings.Cut(subject, "/"); ok {
		if _, err := key.ParseMonth(month); err == nil {
			id, _ = strconv.ParseInt(number, 10, 64)
		}
	} else if number, ok := strings.CutPrefix(subject, "user "); ok {
		number, _, _ = strings.Cut(number, " ")
		id, _ = strconv.ParseInt(number, 10, 64)
	}
	return key.CustomerID(id)
}

// subjects are the subjects of acts on a customer: of a month, or of every month where it is 0.
func (a *Answers) subjects(ctx context.Context, month key.Month, customer string) ([]string, error) {
	found, err := a.Find(ctx, month, customer)
	if err != nil {
		return nil, err
	}
	user := found.Target.Key().UserID
	months := []key.Month{month}
	if month == 0 {
		all, err := a.Months.All(ctx)
		if err != nil {
			return nil, err
		}
		months = months[:0]
		for _, state := range all {
			months = append(months, state.Month)
		}
	}
	subjects := contacts(user)
	for _, m := range months {
		bill := key.Target{Month: m, UserID: user}
		subjects = append(subjects, subjectsOf(bill, found.Customer)...)
		copies, err := a.Copies.List(ctx, port.CopyFilter{Month: m, UserID: user, Limit: key.MaxCopies})
		if err != nil {
			return nil, err
		}
		for _, c := range copies {
			subjects = append(subjects, c.Target.Key().String())
		}
	}
	return subjects, nil
}

// subjectsOf are the subjects of acts on a customer's bill.
func subjectsOf(k key.Target, customer string) []string {
	subjects := []string{k.String(), port.CustomerSubject(k.Month, customer)}
	for _, kind := range channel.All {
		subjects = append(subjects, port.TestSubject(k.Month, customer, kind))
	}
	return subjects
}

// contacts are the subjects of acts on a customer's channels.
func contacts(user int64) (subjects []string) {
	for _, kind := range channel.All {
		subjects = append(subjects, port.Contact{UserID: user, Channel: kind}.Subject())
	}
	return subjects
}
