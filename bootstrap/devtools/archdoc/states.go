package archdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// edge is one arrow of a state machine: from a state ("" for nothing), by what, to a state.
type edge struct{ from, label, to string }

// statesPage draws every state machine from the tables that the domain itself uses.
func statesPage(p *printer, _ Sources) error {
	p.line("Drawn from the domain's own tables: an arrow that is not there is refused by the code. %s.\n",
		p.link("How to read an arrow", "docs/architecture/README.md#how-to-read-an-arrow"))

	var target []edge
	for _, t := range billing.Transitions {
		target = append(target, edge{string(t.From), string(t.Event), string(t.To)})
	}
	p.line("## Dispatch status of a billing target\n\nWhat may become of a statement that is under way (%s).\n", p.link("table", "domain/billing/status.go"))
	p.mermaid(stateDiagram("LR", slices.DeleteFunc(slices.Clone(target), func(e edge) bool {
		return e.from != string(billing.Requested) && e.label != string(billing.EventDispatch)
	}))...)
	p.line("Every event, with all statuses that it may come to. A success, however late, is shown from every one.\n")
	p.mermaid(eventDiagram(target)...)

	var row []edge
	for _, t := range attempt.Transitions {
		row = append(row, edge{string(t.From), string(t.By), string(t.To)})
	}
	p.line("## Delivery ledger row\n\nWhoever inserts the row owns the key's fate (%s).\n", p.link("table", "domain/attempt/state.go"))
	p.mermaid(stateDiagram("TB", unnamed(row))...)
	p.line("Who may change a row, and from what:\n")
	p.mermaid(eventDiagram(row)...)

	var version []edge
	for _, t := range policy.Transitions {
		version = append(version, edge{string(t.From), map[policy.Status]string{policy.Active: "activate", policy.Retired: "the next is activated"}[t.To], string(t.To)})
	}
	p.line("## Policy version\n\nOne version is `ACTIVE` overall; a version never changes but for its status (%s).\n", p.link("table", "domain/policy/policy.go"))
	p.mermaid(stateDiagram("TB", version)...)
	return nil
}

// unnamed says of an arrow only that the row is inserted or its outcome written.
func unnamed(edges []edge) []edge {
	var plain []edge
	for _, e := range edges {
		e.label = "outcome"
		if e.from == "" {
			e.label = "insert"
		}
		if !slices.Contains(plain, e) {
			plain = append(plain, e)
		}
	}
	return plain
}

// stateDiagram draws states and arrows in a direction (TB, LR); those between the same two states become one.
func stateDiagram(direction string, edges []edge) []string {
	type pair struct{ from, to string }
	var order []pair
	labels := map[pair][]string{}
	for _, e := range edges {
		p := pair{e.from, e.to}
		if p.from == "" {
			p.from = "[*]"
		}
		if !slices.Contains(order, p) {
			order = append(order, p)
		}
		labels[p] = append(labels[p], e.label)
	}
	lines := []string{"stateDiagram-v2", "  direction " + direction}
	for _, p := range order {
		lines = append(lines, fmt.Sprintf("  %s --> %s: %s", p.from, p.to, strings.Join(labels[p], "<br>")))
	}
	return lines
}

// eventDiagram draws a line for each event and status that it leads to, from all statuses that it may come to.
func eventDiagram(edges []edge) []string {
	type arrow struct{ label, to string }
	var order []arrow
	from := map[arrow][]string{}
	for _, e := range edges {
		a := arrow{e.label, e.to}
		if !slices.Contains(order, a) {
			order = append(order, a)
		}
		if e.from == "" {
			e.from = "no row"
		}
		from[a] = append(from[a], e.from)
	}
	lines := []string{"flowchart LR"}
	for i, a := range order {
		lines = append(lines, fmt.Sprintf(`  f%d["%s"] -- %s --> t%d["%s"]`, i, strings.Join(from[a], "<br>"), a.label, i, a.to))
	}
	return lines
}
