package answer

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// CopiesOf returns the copies of a bill, by number.
func (a *Answers) CopiesOf(ctx context.Context, bill Found) ([]Found, error) {
	k := bill.Target.Key()
	records, err := a.Copies.List(ctx, port.CopyFilter{Month: k.Month, UserID: k.UserID, Limit: key.MaxCopies})
	copies := make([]Found, 0, len(records))
	for _, record := range records {
		copies = append(copies, Found(record))
	}
	return copies, err
}

// FindCopy returns a copy of a customer's bill by its number, or the bill itself where that is 0; the bill is found as Find finds
// it. port.ErrNotFound.
func (a *Answers) FindCopy(ctx context.Context, month key.Month, customer string, number int) (Found, error) {
	bill, err := a.Find(ctx, month, customer)
	if err != nil || number == 0 {
		return bill, err
	}
	copies, err := a.CopiesOf(ctx, bill)
	if err != nil {
		return Found{}, err
	}
	for _, c := range copies {
		if c.Target.Key().CopyNumber() == number {
			return c, nil
		}
	}
	return Found{}, fmt.Errorf("copy %d of the bill of %s: %w: there are %d (`balsong why` shows them)", number, bill.Target.Key().Month, port.ErrNotFound, len(copies))
}

// CopyEntry is a copy as it is listed.
type CopyEntry struct {
	Customer  string              `json:"customer"`
	Number    int                 `json:"copy"`
	Key       string              `json:"key"`
	Channel   channel.Kind        `json:"channel"`
	Dispatch  billing.Status      `json:"dispatch_status"`
	Pause     billing.PauseReason `json:"pause_reason,omitempty"`
	AskedAt   time.Time           `json:"asked_at,omitzero"`
	Actor     string              `json:"actor"`
	Reason    string              `json:"reason"`
	Available time.Time           `json:"available_at"`
}

// copiesPage is how many copies are read at once.
const copiesPage = 1000

// ListCopies lists the copies of a month, with who asked for them and why, by number and then by bill.
func (a *Answers) ListCopies(ctx context.Context, month key.Month) ([]CopyEntry, error) {
	list := []CopyEntry{}
	for after := int64(0); ; {
		page, err := a.Copies.List(ctx, port.CopyFilter{Month: month, After: after, Limit: copiesPage})
		if err != nil {
			return list, err
		}
		entries, err := a.askedFor(ctx, page)
		if err != nil {
			return list, err
		}
		for _, record := range page {
			k, s := record.Target.Key(), record.Target.State()
			asked := entries[copyAct{k.Bill().String(), port.CopyAction(k, record.Channel())}]
			list = append(list, CopyEntry{
				Customer: record.Customer, Number: k.CopyNumber(), Key: k.String(), Channel: record.Channel(), Dispatch: s.Dispatch, Pause: s.Pause,
				AskedAt: asked.At, Actor: asked.Actor, Reason: asked.Reason, Available: s.AvailableAt,
			})
			after = k.UserID
		}
		if len(page) < copiesPage {
			return list, nil
		}
	}
}

// copyAct names the act that made a copy.
type copyAct struct {
	subject string
	action  port.Action
}

// askedFor returns the acts that made some copies.
func (a *Answers) askedFor(ctx context.Context, records []port.CopyRecord) (map[copyAct]port.Act, error) {
	acts := map[copyAct]port.Act{}
	if len(records) == 0 {
		return acts, nil
	}
	subjects := make([]string, len(records))
	for i, record := range records {
		subjects[i] = record.Target.Key().Bill().String()
	}
	entries, err := a.Audit.About(ctx, subjects)
	for _, entry := range entries {
		acts[copyAct{entry.Subject, entry.Action}] = entry.By
	}
	return acts, err
}
