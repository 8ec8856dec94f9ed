package importing

import (
	"context"
	"fmt"

	"github.com/balsong/balsong/application/port"
)

// customersPage is how many of the month's customers are looked at in one transaction.
const customersPage = 10_000

// monthCustomers calls each with the number of every customer who has a bill in the month. It reads them page by page: of
// five million some seconds.
func (r *run) monthCustomers(ctx context.Context, each func(customer string)) error {
	for after := int64(0); ; {
		var page []port.MonthCustomer
		err := r.retry(ctx, func(ctx context.Context) (err error) {
			page, err = r.ports.Past.Customers(ctx, r.rules.Month, after, customersPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, c := range page {
			each(c.Customer)
		}
		if len(page) < customersPage {
			return nil
		}
		after = page[len(page)-1].UserID
	}
}

// lookForOthers finds out whether the month had bills before this import.
func (r *run) lookForOthers(ctx context.Context) error {
	return r.retry(ctx, func(ctx context.Context) error {
		some, err := r.ports.Past.Customers(ctx, r.rules.Month, 0, 1)
		r.hadBills = len(some) > 0
		return err
	})
}

// alikeOf finds customers who have a bill in the month and whose numbers look like those of rows without one, by line.
func (r *run) alikeOf(ctx context.Context, rows []port.ImportConflict) (map[int]string, error) {
	var lines firstLines
	for _, row := range rows {
		lines.add(row.Customer, uint32(row.Line))
	}
	found := map[int]string{}
	err := r.monthCustomers(ctx, func(customer string) {
		if line := lines.like(customer); line > 0 {
			found[int(line)] = customer
		}
	})
	return found, err
}

// whyNew says why a row is refused whose customer has no bill in the month.
func (r *run) whyNew(alike string) string {
	reason := fmt.Sprintf("has no bill in %s yet, and its dispatch has begun (--allow-new takes new bills)", r.rules.Month)
	if r.rules.Correct {
		reason = fmt.Sprintf("has no bill in %s that could be corrected (--allow-new takes new bills)", r.rules.Month)
	}
	if alike != "" {
		reason += fmt.Sprintf("; %s has %s, which looks like it", r.rules.Month, alike)
	}
	return reason
}

// maxAlike bounds the remarks of remarkAlike.
const maxAlike = 1000

// remarkAlike remarks numbers of the file that look like one of the month's which the file does not have: it may be one
// customer with two bills. Of a month without other bills, and after an import without new ones, there is nothing to say.
func (r *run) remarkAlike(ctx context.Context) error {
	if !r.hadBills || r.summary.Inserted == 0 {
		return nil
	}
	c := &chunk{run: r}
	err := r.monthCustomers(ctx, func(customer string) {
		if line := r.firstLines.like(customer); line > 0 && len(c.remarks) < maxAlike {
			c.remarks = append(c.remarks, Remark{Line: int(line), Customer: customer, Field: colCustomer, Kind: CustomerLooksAlike, Text: fmt.Sprintf(
				"looks like the number on line %d, which differs in case, a blank, a hyphen, zeros in front or by characters that look alike; the month has a bill of this one from another import", line)})
		}
	})
	if err != nil {
		return err
	}
	return c.reportRemarks()
}
