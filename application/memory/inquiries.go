package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// Inquiries is the store as port.Inquiries, by the store's clock. Operations: inquiries.enqueue, inquiries.due, inquiries.answer,
// inquiries.asked, inquiries.open.
func (s *Store) Inquiries() port.Inquiries { return inquiries{s} }

type inquiries struct{ s *Store }

// inquiry is what is kept of one.
type inquiry struct {
	port.Inquiry
	of  port.Lane
	due time.Time // zero: never again
}

// Enqueue implements port.Inquiries.
func (p inquiries) Enqueue(
	ctx context.Context, month key.Month, of port.Lane, wait time.Duration, when port.Span, after key.Delivery, limit int,
) (looked int, last key.Delivery, err error) {
	since, until := instant(when.Since), instant(when.Until)
	rows, err := read(ctx, p.s, "inquiries.enqueue", func() ([]attempt.Row, error) {
		var found []attempt.Row
		for target, rows := range p.s.ledger {
			for k, row := range rows {
				if target.Month == month && k.Compare(after) > 0 && (when == port.Span{} || asks(row, of) &&
					!row.ChangedAt.Before(since) && (when.Until.IsZero() || row.ChangedAt.Before(until))) {
					found = append(found, row)
				}
			}
		}
		slices.SortFunc(found, byKey)
		found = found[:min(limit, len(found))]
		for _, row := range found {
			if _, there := p.s.inquiries[row.Key]; !there && asks(row, of) {
				p.s.inquiries[row.Key] = inquiry{port.Inquiry{Key: row.Key, Called: row.ClaimedAt}, of, row.LeaseUntil.Add(wait)}
			}
		}
		return found, nil
	})
	if err != nil || len(rows) == 0 {
		return 0, after, err
	}
	return len(rows), rows[len(rows)-1].Key, nil
}

// asks reports whether a lane's provider is asked about a row.
func asks(row attempt.Row, of port.Lane) bool {
	return row.State == attempt.Unknown && row.Channel == of.Channel && row.Provider == of.Provider && !row.ClaimedAt.IsZero()
}

// Due implements port.Inquiries.
func (p inquiries) Due(ctx context.Context, month key.Month, of port.Lane, hold time.Duration, limit int) (looked int, due []port.Inquiry, err error) {
	due, err = read(ctx, p.s, "inquiries.due", func() ([]port.Inquiry, error) {
		now := p.s.now()
		var found []inquiry
		for _, q := range p.s.inquiries {
			if q.of == of && q.Key.Month == month && !q.due.IsZero() && !q.due.After(now) {
				found = append(found, q)
			}
		}
		slices.SortFunc(found, func(a, b inquiry) int { return cmp.Or(a.due.Compare(b.due), a.Key.Compare(b.Key)) })
		found = found[:min(limit, len(found))]
		looked = len(found)
		var list []port.Inquiry
		for _, q := range found {
			row, _ := p.s.row(q.Key)
			open := row.State == attempt.Unknown
			if q.due = now.Add(hold); !open {
				q.due = time.Time{}
			}
			p.s.inquiries[q.Key] = q
			if bill, there := p.s.bills[q.Key.Target()]; open {
				current := there && bill.state.Attempt == q.Key.Attempt && bill.state.Round == q.Key.Round
				list = append(list, port.Inquiry{Key: q.Key, Called: q.Called, Asks: q.Asks, Current: current})
			}
		}
		return list, nil
	})
	return looked, due, err
}

// Answer implements port.Inquiries.
func (p inquiries) Answer(ctx context.Context, answers []port.InquiryAnswer) error {
	_, err := read(ctx, p.s, "inquiries.answer", func() (struct{}, error) {
		now := p.s.now()
		for _, a := range answers {
			q, there := p.s.inquiries[a.Key]
			if !there {
				continue
			}
			q.Asks++
			q.Last, q.AskedAt, q.due = a.Found, now, time.Time{}
			q.Last.SaidAt = instant(a.Found.SaidAt)
			if a.Again > 0 {
				q.due = now.Add(a.Again)
			}
			p.s.inquiries[a.Key] = q
		}
		return struct{}{}, nil
	})
	return err
}

// Asked implements port.Inquiries.
func (p inquiries) Asked(ctx context.Context, about key.Target) ([]port.Inquiry, error) {
	return read(ctx, p.s, "inquiries.asked", func() ([]port.Inquiry, error) {
		var asked []port.Inquiry
		for k, q := range p.s.inquiries {
			if k.Target() == about && q.Asks > 0 {
				q.Again = q.due
				asked = append(asked, q.Inquiry)
			}
		}
		slices.SortFunc(asked, func(a, b port.Inquiry) int { return a.Key.Compare(b.Key) })
		return asked, nil
	})
}

// Open implements port.Inquiries.
func (p inquiries) Open(ctx context.Context, month key.Month) (int, error) {
	return read(ctx, p.s, "inquiries.open", func() (n int, err error) {
		for k, q := range p.s.inquiries {
			bill, there := p.s.bills[k.Target()]
			if k.Month == month && !q.due.IsZero() && there && k.Target().CopyNumber() == 0 && bill.state.Dispatch == billing.Unknown &&
				bill.state.Attempt == k.Attempt && bill.state.Round == k.Round {
				n++
			}
		}
		return n, nil
	})
}
