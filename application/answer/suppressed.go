package answer

import (
	"context"
	"encoding/csv"
	"io"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/sheet"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// SuppressedEntry is an entry of the suppression list as it is listed.
type SuppressedEntry struct {
	Customer string       `json:"customer"`
	Channel  channel.Kind `json:"channel"`
	Scope    policy.Scope `json:"scope"`
	Since    time.Time    `json:"since"`
	Reason   string       `json:"reason"`
	Actor    string       `json:"actor"` // who put it on the list; "": that act was removed by retention
}

// suppressedPage is how many entries are read at once.
const suppressedPage = 1000

// Suppressed lists the entries of the suppression list, of one channel or scope where these are named, by customer.
func (a *Answers) Suppressed(ctx context.Context, kind channel.Kind, scope policy.Scope) ([]SuppressedEntry, error) {
	list := []SuppressedEntry{}
	filter := port.SuppressionFilter{Channel: kind, Scope: scope, Limit: suppressedPage}
	for {
		page, err := a.Suppressions.List(ctx, filter)
		if err != nil || len(page) == 0 {
			return list, err
		}
		ids, subjects := make([]int64, len(page)), make([]string, len(page))
		for i, entry := range page {
			ids[i], subjects[i] = entry.UserID, entry.Subject()
		}
		customers, err := a.Report.Customers(ctx, ids)
		if err != nil {
			return list, err
		}
		acts, err := a.Audit.About(ctx, subjects)
		if err != nil {
			return list, err
		}
		actors := map[string]string{} // by subject, of the last act that added or widened its entry
		for _, act := range acts {
			if act.Action == port.ActionSuppress || act.Action == port.ActionSuppressAds {
				actors[act.Subject] = act.By.Actor
			}
		}
		for _, entry := range page {
			list = append(list, SuppressedEntry{
				Customer: customers[entry.UserID], Channel: entry.Channel, Scope: entry.Scope, Since: entry.Since.UTC(), Reason: entry.Reason, Actor: actors[entry.Subject()],
			})
		}
		if len(page) < suppressedPage {
			return list, nil
		}
		filter.After = page[len(page)-1].Contact
	}
}

// WriteSuppressed writes entries as CSV, times in a zone. It is as safe for spreadsheets as Unreached.
func WriteSuppressed(to io.Writer, list []SuppressedEntry, zone *time.Location) error {
	if _, err := io.WriteString(to, "\ufeff"); err != nil { // without it Korean Excel reads EUC-KR
		return err
	}
	file := csv.NewWriter(to)
	if err := file.Write([]string{"customer_number", "channel", "scope", "since", "reason", "actor"}); err != nil {
		return err
	}
	for _, e := range list {
		row := []string{e.Customer, string(e.Channel), string(e.Scope), e.Since.In(zone).Format(time.RFC3339), e.Reason, e.Actor}
		for i := range row {
			row[i] = sheet.Keep(row[i])
		}
		if err := file.Write(row); err != nil {
			return err
		}
	}
	file.Flush()
	return file.Error()
}
