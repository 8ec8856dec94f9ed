package checker

import (
	"fmt"
	"io"
	"maps"
	"slices"
)

// count notes what was looked at.
func (c *check) count() {
	c.add("customers in the input", len(c.Customers))
	c.add("targets", len(c.Targets))
	statuses := map[string]int{}
	for _, t := range c.Targets {
		name := t.Status
		if t.Status == "PAUSED" {
			name += " (" + t.Pause + ")"
		}
		statuses["  "+name]++
	}
	c.addAll(statuses)
	c.add("ledger rows", len(c.Rows))
	states := map[string]int{}
	for _, r := range c.Rows {
		states["  "+r.State]++
	}
	c.addAll(states)
	c.countCalls()
	c.countReports()
	again := 0
	for _, calls := range c.accepted {
		again += len(calls) - 1
	}
	c.add("accepted again, after the vendor's word", again)
	byKill, byDrop := 0, 0
	for key, row := range c.rows {
		if row.State != "UNKNOWN" {
			continue
		}
		if c.dropped[key] {
			byDrop++
		} else if _, ok := c.inFlight[key]; ok {
			byKill++
		}
	}
	c.add("accepted after the last kill", c.acceptedAfterLastKill())
	c.add("UNKNOWN that names a drop", byDrop)
	c.add("UNKNOWN that names a kill", byKill)
}

func (c *check) add(what string, n int) { c.report.Counts = append(c.report.Counts, Count{what, n}) }

// countCalls notes what the gateway's log has.
func (c *check) countCalls() {
	calls, said := map[string]int{}, map[string]int{}
	for _, call := range c.Calls {
		switch {
		case call.Said != nil:
			said["  "+call.Class+" "+call.Said.Result]++
		case call.Dropped:
			calls["  accepted, then dropped"]++
		case call.Accepted:
			calls["  accepted and answered"]++
		default:
			calls["  refused, "+call.Class]++
		}
	}
	c.add("lines in the gateway's log", len(c.Calls))
	c.addAll(calls)
	c.addAll(said)
}

// countReports notes what was reported.
func (c *check) countReports() {
	stored := map[string]int{}
	for _, r := range c.Reports {
		name := "  " + r.Kind
		if r.Kind == "UNDELIVERED" && !r.Definitive {
			name += ", not definitive"
		}
		if r.inquired() {
			name += ", by inquiry"
		}
		stored[name]++
	}
	c.add("reports in the database", len(c.Reports))
	c.addAll(stored)
}

func (c *check) addAll(counts map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		c.report.Counts = append(c.report.Counts, Count{name, counts[name]})
	}
}

// shown is how many violations of an assertion are printed.
const shown = 5

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	fmt.Fprintln(out, "\nkills (a failpoint's record shows where each struck)")
	all := 0
	for i, point := range r.Points {
		fmt.Fprintf(out, "  %d  %-40s %4d\n", i+1, point, r.Kills[point])
		all += r.Kills[point]
	}
	fmt.Fprintf(out, "     %-40s %4d\n\ncounted\n", "all", all)
	for _, count := range r.Counts {
		fmt.Fprintf(out, "  %-42s %7d\n", count.What, count.N)
	}
	fmt.Fprintln(out, "\nasserted")
	for _, assertion := range Assertions {
		list := r.Violations[assertion]
		if len(list) == 0 {
			fmt.Fprintf(out, "  holds     %s\n", assertion)
			continue
		}
		fmt.Fprintf(out, "  VIOLATED  %s: %d times\n", assertion, len(list))
		slices.Sort(list)
		for _, violation := range list[:min(shown, len(list))] {
			fmt.Fprintf(out, "            %s\n", violation)
		}
	}
}
