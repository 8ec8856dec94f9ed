package story

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Absence is the answer about a customer who has no bill in a month.
type Absence struct {
	Customer string    `json:"customer"`
	Month    key.Month `json:"month"`
	Headline string    `json:"headline"`
	Lines    []Line    `json:"lines"`
	Next     Next      `json:"next"`
}

// Missing says why a customer has no bill in the month that was asked for. month is its state, zero if it was never
// opened; refused are the customer's rows that the month's imports refused. Those of the last import are named first. Days are told
// in the zone that people are shown.
func Missing(customer string, asked key.Month, month port.MonthState, refused []port.Reject, zone *time.Location) Absence {
	a := Absence{Customer: customer, Month: asked, Headline: fmt.Sprintf("Customer %q has no bill in %s.", customer, asked), Lines: []Line{}}
	switch {
	case month.Month == 0:
		a.Headline = fmt.Sprintf("%s was never opened: nothing was imported for it, so customer %q has no bill in it.", asked, customer)
		a.Next = Next{Text: fmt.Sprintf("Import the month's billing data: `balsong batch import --month %s --file …`.", asked), WaitsFor: ForPerson}
	case !month.DroppedAt.IsZero():
		a.Headline = fmt.Sprintf("The bills of %s were removed by retention on %s: it is no longer known whether customer %q had one.",
			asked, month.DroppedAt.In(zone).Format("2006-01-02 MST"), customer)
		a.Next = Next{Text: "Nothing: removed bills cannot be restored.", WaitsFor: ForNothing}
	case len(refused) > 0:
		a.Headline = fmt.Sprintf("Customer %q has no bill in %s: its row was refused at the import.", customer, asked)
		refused = slices.Clone(refused)
		slices.SortStableFunc(refused, func(a, b port.Reject) int { return cmp.Compare(b.Import, a.Import) }) // what the last import says comes first
		for _, r := range refused {
			a.Lines = append(a.Lines, Line{About: "import", Text: fmt.Sprintf("Refused in %s, line %d: %s.", r.File, r.Line, fault(r))})
		}
		a.Next = Next{Text: "It waits for a person: correct the row in the rejects file and import that file.", WaitsFor: ForPerson}
	default:
		a.Next = Next{Text: "Nothing: no row of the month's imports named this customer, or the row could not be read (see the rejects file).", WaitsFor: ForNothing}
	}
	return a
}

func fault(r port.Reject) string {
	if r.Field == "" {
		return "the row " + orNot(r.Reason)
	}
	return r.Field + " " + orNot(r.Reason)
}
