package importing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// report adds the chunk to the summary, corrects bills if that is asked for, and reports the rows that are not taken.
func (c *chunk) report(ctx context.Context) error {
	summary := &c.run.summary
	for _, no := range c.refused {
		if no.resolved {
			summary.Resolved++
		} else {
			summary.Rejected++
		}
		if err := c.run.reportRow(c.records[no.at], no.refusal); err != nil {
			return err
		}
	}
	summary.Rows += len(c.bills) + len(c.refused) - len(c.stored.Conflicts) - len(c.stored.New)
	summary.Blank += c.blank
	summary.Inserted += c.stored.Inserted
	summary.Unchanged += c.stored.Unchanged
	for _, conflict := range c.stored.Conflicts {
		if err := c.resolve(ctx, conflict); err != nil {
			return err
		}
		summary.Rows++
	}
	if err := c.keepNewOut(ctx); err != nil {
		return err
	}
	if c.run.rejects != nil {
		if err := c.run.rejects.flush(); err != nil {
			return err
		}
	}
	if err := c.reportRemarks(); err != nil {
		return err
	}
	c.run.totals.take(c.sums)
	c.run.reporter.Progress(Progress{Rows: summary.Rows, Bytes: c.bytes, All: c.run.source.size})
	return nil
}

// reportRemarks reports the remarks about the chunk's rows.
func (c *chunk) reportRemarks() error {
	for _, remark := range c.remarks {
		c.run.summary.Remarks++
		c.run.reporter.Remarked(remark)
		if c.run.remarks == nil {
			continue
		}
		if err := c.run.remarks.add(remark); err != nil {
			return err
		}
	}
	if c.run.remarks == nil {
		return nil
	}
	return c.run.remarks.flush()
}

// resolve corrects the stored bill that a row is in conflict with, or reports why that stays.
func (c *chunk) resolve(ctx context.Context, conflict port.ImportConflict) error {
	reason := "has another bill in this month already, which stays (--correct replaces it where it may still change)"
	at, found := slices.BinarySearchFunc(c.bills, conflict.Line, func(b port.ImportedBill, line int) int { return cmp.Compare(b.Line, line) })
	if c.run.rules.Correct && found {
		lost, refused, err := c.run.correct(ctx, c.bills[at])
		switch {
		case err != nil:
			return err
		case refused == nil:
			c.run.summary.Corrected++
			c.run.summary.ContactsRemoved += len(contactColumns(lost))
			return nil
		case errors.Is(refused, errContacts):
			c.run.summary.ContactsKept += len(contactColumns(lost))
		}
		reason = "has another bill in this month already, which stays: " + refused.Error()
	}
	return c.keepOut(conflict, reason)
}

// keepNewOut refuses rows of customers who have no bill. Of the first ones it says which numbers of the month look like
// theirs: of a file in which all are new that cannot be found out for each.
func (c *chunk) keepNewOut(ctx context.Context) error {
	if len(c.stored.New) == 0 {
		return nil
	}
	var alike map[int]string
	if !c.run.saidAlike && c.run.hadBills {
		c.run.saidAlike = true
		var err error
		if alike, err = c.run.alikeOf(ctx, c.stored.New); err != nil {
			return err
		}
	}
	for _, row := range c.stored.New {
		if err := c.keepOut(row, c.run.whyNew(alike[row.Line])); err != nil {
			return err
		}
		c.run.summary.Rows++
	}
	return nil
}

// keepOut counts and reports a row that does not fit what the month has.
func (c *chunk) keepOut(conflict port.ImportConflict, reason string) error {
	c.run.summary.Conflicts++
	row, _ := slices.BinarySearchFunc(c.records, conflict.Line, func(r record, line int) int { return cmp.Compare(r.line, line) })
	c.sums.add(c.amounts[row], 0, -1)
	return c.run.reportRow(c.records[row], refusal{
		faults: faults{{colCustomer, reason}}, place: port.RejectedRow{File: c.run.source.file.Name, Line: conflict.Line},
		conflict: true, customer: conflict.Customer,
	})
}

// errContacts is why a correction is refused that would take an address away: most often the file was made for something else,
// and the customer would get the bill on another way, or not at all.
var errContacts = fmt.Errorf("%w: the row would take an address away", billing.ErrRefused)

// correct replaces a bill's data (R6) and records who asked for it. lost are the channels whose address the bill has and the row
// has not; refused says why the bill may not change.
func (r *run) correct(ctx context.Context, corrected port.ImportedBill) (lost channel.Set, refused, err error) {
	by := r.act()
	replace := settle.Correction(corrected, r.ports.Clock)
	decide := func(t *billing.Target, row *attempt.Row, revoke func(attempt.Revocation) (bool, error)) error {
		if lost = t.State().Reachable &^ corrected.State.Reachable; lost == 0 || r.rules.RemoveContacts {
			return replace(t, row, revoke)
		}
		if _, err := t.MayCorrect(row); err != nil {
			return err
		}
		return fmt.Errorf("%w (%s): give it, or let --remove-contacts take it away", errContacts, strings.Join(contactColumns(lost), ", "))
	}
	err = r.retry(ctx, func(ctx context.Context) error {
		return r.ports.Corrections.Correct(ctx, corrected, r.ports.Cipher.Seal, decide, by)
	})
	if errors.Is(err, billing.ErrRefused) {
		return lost, err, nil
	}
	return lost, nil, err
}

// reportRow reports a row that is not taken, to the reporter and in rejects.csv.
func (r *run) reportRow(row record, no refusal) error {
	reason := no.reasons()
	if no.before != "" {
		reason += ": " + no.before
	}
	if no.resolved {
		reason += " (refused, resolved since)"
	}
	r.reporter.Refused(Refusal{Line: row.line, Customer: no.customer, Field: no.fields(), Reason: reason, Conflict: no.conflict})
	if r.rejects == nil || no.resolved {
		return nil
	}
	return r.rejects.add(no, row.fields)
}
