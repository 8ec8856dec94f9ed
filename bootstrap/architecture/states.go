// Package architecture writes the generated part of the documentation from the code itself; a test fails when a page is
// stale.
package architecture

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// edge is one arrow of a state diagram: from a state, by what, to a state.
type edge struct{ from, label, to string }

// States writes every state machine as Mermaid, from the tables that the code itself goes by.
func States(w io.Writer) {
	fmt.Fprint(w, `# State machines

Written from the domain's own tables; a test fails when this page is stale. An arrow reads: from, what happens, to.

`)
	section(w, "Dispatch status of a billing target", "domain/billing/status.go",
		"`READY` and `FAILED` targets that are `RENDERED` are the candidates of a run. A late success is shown from every status.", targetEdges())
	section(w, "Delivery ledger row", "domain/attempt/state.go",
		"Whoever inserts the row owns the key's fate. The arrow names who may change it.", ledgerEdges())
	section(w, "Policy version", "domain/policy/policy.go", "One version is `ACTIVE` overall; a version never changes but for its status.", policyEdges())
}

func targetEdges() (edges []edge) {
	for _, t := range billing.Transitions {
		edges = append(edges, edge{string(t.From), string(t.Event), string(t.To)})
	}
	return edges
}

func ledgerEdges() (edges []edge) {
	for _, t := range attempt.Transitions {
		edges = append(edges, edge{string(t.From), string(t.By), string(t.To)})
	}
	return edges
}

func policyEdges() (edges []edge) {
	for _, t := range policy.Transitions {
		edges = append(edges, edge{string(t.From), "", string(t.To)})
	}
	return edges
}

// section draws one machine; arrows between the same two states become one.
func section(w io.Writer, title, source, sentence string, edges []edge) {
	fmt.Fprintf(w, "## %s\n\n%s ([%s](../../%s))\n\n```mermaid\nstateDiagram-v2\n", title, sentence, source, source)
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
		if e.label != "" {
			labels[p] = append(labels[p], e.label)
		}
	}
	for _, p := range order {
		fmt.Fprintf(w, "  %s --> %s", p.from, p.to)
		if len(labels[p]) > 0 {
			fmt.Fprintf(w, ": %s", strings.Join(labels[p], " / "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "```\n\n")
}
