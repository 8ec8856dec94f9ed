package checker

import (
	"fmt"
	"strings"
)

// The points of the record file that count as kills, in the order of a statement's life.
var points = []string{
	"page locked, nothing published", "published, not committed", "claimed, not called",
	"accepted, outcome not written", "outcome written, result not published", "settle open",
}

// stalled is the point of a record that is no kill: claims were held past their lease on purpose.
const stalled = "stalled"

// The assertions, by name.
const (
	Once       = "no customer-month accepted twice"
	Agrees     = "accepted in the log: SUCCEEDED or UNKNOWN"
	Truly      = "SUCCEEDED: accepted exactly once"
	Named      = "every UNKNOWN names its kill or its drop"
	Remembered = "nobody forgotten"
	Records    = "the records of the kills tell the truth"
	Enough     = "enough kills at every point"
)

// Assertions lists the assertions in the order of the report.
var Assertions = []string{Once, Agrees, Truly, Named, Remembered, Records, Enough}

// Needs are how many kills a run must show.
type Needs struct{ Each, All int }

// Report is what the checker found.
type Report struct {
	Violations map[string][]string // by assertion
	Counts     []Count
	Kills      map[string]int // by point; those that count
	Points     []string
}

// Count is a number for people.
type Count struct {
	What string
	N    int
}

// OK tells whether every assertion holds.
func (r Report) OK() bool { return len(r.Violations) == 0 }

// check is a check under way.
type check struct {
	Inputs
	report   Report
	accepted map[string][]Call // by month/user
	byKey    map[string][]Call // accepted, by delivery key
	rows     map[string]Row
	targets  map[string]Target
	inFlight map[string]string // delivery key to the last stage in a killed process
	dropped  map[string]bool
	stalled  map[string]bool
}

// Check joins everything and judges it.
func Check(in Inputs, needs Needs) Report {
	c := &check{
		Inputs: in, report: Report{Violations: map[string][]string{}, Kills: map[string]int{}, Points: points},
		accepted: map[string][]Call{}, byKey: map[string][]Call{}, rows: map[string]Row{},
		targets: map[string]Target{}, inFlight: map[string]string{}, dropped: map[string]bool{},
		stalled: map[string]bool{},
	}
	c.index()
	c.once()
	c.agrees()
	c.named()
	c.remembered()
	c.records()
	c.enough(needs)
	c.count()
	return c.report
}

func (c *check) violate(assertion, format string, args ...any) {
	c.report.Violations[assertion] = append(c.report.Violations[assertion], fmt.Sprintf(format, args...))
}

func (c *check) index() {
	for _, call := range c.Calls {
		if !call.Accepted {
			continue
		}
		target, ok := targetOf(call.Key)
		if !ok {
			c.violate(Agrees, "log line %d was accepted with the key %q, which is no delivery key", call.Sequence, call.Key)
			continue
		}
		c.accepted[target] = append(c.accepted[target], call)
		c.byKey[call.Key] = append(c.byKey[call.Key], call)
		if call.Dropped {
			c.dropped[call.Key] = true
		}
	}
	for _, row := range c.Rows {
		c.rows[row.Key()] = row
	}
	for _, t := range c.Targets {
		c.targets[fmt.Sprintf("%s/%d", t.Month, t.User)] = t
	}
	for _, kill := range c.Kills {
		if kill.Point == stalled {
			for _, key := range kill.Keys {
				c.stalled[key] = true
			}
			continue
		}
		for key, stage := range kill.InFlight {
			c.inFlight[key] = stage
		}
	}
}

// targetOf is the month/user of a delivery key.
func targetOf(key string) (string, bool) {
	parts := strings.Split(key, "/")
	if len(parts) != 4 {
		return "", false
	}
	return parts[0] + "/" + parts[1], true
}

func (c *check) once() {
	for target, calls := range c.accepted {
		if len(calls) > 1 {
			c.violate(Once, "%s was accepted %d times: %s", target, len(calls), describe(calls))
		}
	}
}

func describe(calls []Call) string {
	var list []string
	for _, call := range calls {
		text := fmt.Sprintf("%s by %s at %s", call.Key, call.Channel, call.Time)
		if call.Dropped {
			text += " (dropped)"
		}
		list = append(list, text)
	}
	return strings.Join(list, "; ")
}

// agrees looks from the log to the database and back.
func (c *check) agrees() {
	for target, calls := range c.accepted {
		t, ok := c.targets[target]
		if !ok {
			c.violate(Agrees, "%s was accepted and is not in the database", target)
		} else if t.Status != "SUCCEEDED" && t.Status != "UNKNOWN" {
			c.violate(Agrees, "%s was accepted (%s) and is %s", target, describe(calls), t.Status)
		}
	}
	for key, calls := range c.byKey {
		if state := c.rows[key].State; state != "SUCCEEDED" && state != "UNKNOWN" {
			c.violate(Agrees, "delivery %s was accepted (%s) and its ledger row is %q", key, describe(calls), state)
		}
	}
	for name, t := range c.targets {
		if n := len(c.accepted[name]); t.Status == "SUCCEEDED" && n != 1 {
			c.violate(Truly, "%s is SUCCEEDED and was accepted %d times", name, n)
		}
	}
	for key, row := range c.rows {
		if n := len(c.byKey[key]); row.State == "SUCCEEDED" && n != 1 {
			c.violate(Truly, "ledger row %s is SUCCEEDED and was accepted %d times", key, n)
		}
	}
}

func (c *check) named() {
	explained := func(key string) bool {
		_, killed := c.inFlight[key]
		return killed || c.dropped[key] || c.stalled[key]
	}
	for key, row := range c.rows {
		if row.State == "UNKNOWN" && !explained(key) {
			c.violate(Named, "ledger row %s is UNKNOWN (%s), and no kill had it in flight and no drop hit it", key, row.Reason)
		}
	}
	for name, t := range c.targets {
		key := fmt.Sprintf("%s/%d/%d", name, t.Attempt, t.Round)
		if t.Status == "UNKNOWN" && c.rows[key].State != "UNKNOWN" {
			c.violate(Named, "%s is UNKNOWN and the ledger row of its key %s is %q", name, key, c.rows[key].State)
		}
	}
}

func (c *check) remembered() {
	known := map[string]bool{}
	for _, customer := range c.Customers {
		user, ok := c.Users[customer]
		if !ok {
			c.violate(Remembered, "customer %s of the input has no user id", customer)
			continue
		}
		name := fmt.Sprintf("%s/%d", c.Month, user)
		if known[name] {
			c.violate(Remembered, "customer %s shares the target %s with another", customer, name)
		}
		known[name] = true
		if _, ok := c.targets[name]; !ok {
			c.violate(Remembered, "customer %s of the input has no target", customer)
		}
	}
	for name, t := range c.targets {
		if !known[name] {
			c.violate(Remembered, "target %s is nobody of the input", name)
		}
		switch t.Status {
		case "SUCCEEDED", "EXHAUSTED", "EXPIRED", "CANCELLED", "WRITTEN_OFF", "UNKNOWN":
		case "PAUSED":
			if t.Pause == "" {
				c.violate(Remembered, "target %s is PAUSED without a reason", name)
			}
		default:
			c.violate(Remembered, "target %s is still %s (batch %s)", name, t.Status, t.Batch)
		}
	}
	for key, row := range c.rows {
		if row.State == "CLAIMED" {
			c.violate(Remembered, "ledger row %s is still CLAIMED", key)
		}
	}
}

// records holds each record to what the gateway and the ledger say about its keys.
func (c *check) records() {
	for _, kill := range c.Kills {
		if kill.Point == stalled {
			continue
		}
		for key, stage := range kill.InFlight {
			if stage == "claimed" && len(c.byKey[key]) > 0 {
				c.violate(Records, "%s had %s in flight without a call when it was killed, and it was accepted", kill.Role, key)
			}
		}
		for _, key := range kill.Keys {
			switch kill.Point {
			case points[2]: // claimed, not called
				if len(c.byKey[key]) > 0 || c.rows[key].State != "UNKNOWN" {
					c.violate(Records, "%s was killed before it called for %s, which was accepted %d times and is %q", kill.Role, key, len(c.byKey[key]), c.rows[key].State)
				}
			case points[3]: // accepted, outcome not written
				if len(c.byKey[key]) != 1 || c.rows[key].State != "UNKNOWN" {
					c.violate(Records, "%s was killed after %s was accepted; it was accepted %d times and is %q", kill.Role, key, len(c.byKey[key]), c.rows[key].State)
				}
			case points[4]: // outcome written, result not published
				if state := c.rows[key].State; state == "" || state == "CLAIMED" {
					c.violate(Records, "%s was killed after the outcome of %s was written; its row is %q", kill.Role, key, state)
				}
			}
		}
	}
}

func (c *check) enough(needs Needs) {
	all := 0
	for _, kill := range c.Kills {
		if kill.Point == stalled {
			continue
		}
		if !c.Ended[kill.Role] {
			c.violate(Records, "%s has a record at %q and was not seen to end by SIGKILL", kill.Role, kill.Point)
			continue
		}
		c.report.Kills[kill.Point]++
		all++
	}
	for _, point := range points {
		if n := c.report.Kills[point]; n < needs.Each {
			c.violate(Enough, "%d at %q (want %d or more)", n, point, needs.Each)
		}
	}
	if all < needs.All {
		c.violate(Enough, "%d in all (want %d or more)", all, needs.All)
	}
	if needs.All > 0 && c.acceptedAfterLastKill() == 0 {
		c.violate(Enough, "nothing was accepted after the last kill: the work did not last")
	}
}

// acceptedAfterLastKill compares instants as text: both files hold RFC 3339 in UTC, and whole seconds are near enough.
func (c *check) acceptedAfterLastKill() int {
	seconds := func(at string) string { return at[:min(len(at), len("2026-11-01T00:00:00"))] }
	last, n := "", 0
	for _, kill := range c.Kills {
		last = max(last, seconds(kill.Time))
	}
	for _, call := range c.Calls {
		if call.Accepted && seconds(call.Time) > last {
			n++
		}
	}
	return n
}
