package cost

import (
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/bootstrap/devtools/docpage"
)

// part is where docs/operations/cost.md has what is computed.
var part = docpage.Part{Name: "computed", Command: "make docs"}

// Print writes the report for people.
func (r Report) Print(w io.Writer) { _, _ = io.WriteString(w, r.markdown()) }

func (r Report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, prices of %s in %s a month, as the templates are without another value.\n\n", r.Region, r.Read, r.Currency)
	fmt.Fprintf(&b, "| While nothing is sent | How many | %s a month |\n|---|---|---:|\n", r.Currency)
	for _, item := range r.Idle {
		if item.Monthly > 0 {
			fmt.Fprintf(&b, "| %s | %s | %.2f |\n", item.Name, item.Count, item.Monthly)
		}
	}
	fmt.Fprintf(&b, "| **all of it** | | **%.0f** |\n\n", r.IdleSum)
	fmt.Fprintf(&b, "| Bills of a month | Sending | Import and render | Month in all | A million |\n|---:|---:|---:|---:|---:|\n")
	for _, m := range r.Months {
		fmt.Fprintf(&b, "| %d M | %.2f | %.2f | %.0f | %.2f |\n", m.Bills/1_000_000, m.Run, m.Import, m.Total, m.PerMillion)
	}
	return b.String()
}

// Page puts the report into a page, between its marks. docpage.ErrNoPlace.
func (r Report) Page(page string) (string, error) { return part.Replace(page, r.markdown()) }
