package checker

import (
	"fmt"
	"strings"
)

// The points of the record file that count as kills, in the order of a statement's life.
var points = []string{
	"page locked, nothing published", "published, not committed", "claimed, not called",
	"accepted, outcome not written", "outcome written, result not published", "settle open",
	"report stored, not answered", "found by inquiry, not stored",
}

// stalled is the point of a record that is no kill: claims were held past their lease on purpose.
const stalled = "stalled"

// The assertions, by name.
const (
	Once       = "accepted again only after the vendor's word that the message before was not delivered"
	Agrees     = "accepted in the log, and not taken back by a report: SUCCEEDED or UNKNOWN"
	Truly      = "SUCCEEDED: accepted exactly once, reports that take it back aside"
	Named      = "every UNKNOWN names its kill or its drop"
	Kept       = "reports: what was answered is stored once, and nothing that nobody said"
	Asked      = "no UNKNOWN of which the vendor said, or would say, what became of it"
	Remembered = "nobody forgotten"
	Records    = "the records of the kills tell the truth"
	Enough     = "enough kills at every point"
)

// Assertions lists the assertions in the order of the report.
var Assertions = []string{Once, Agrees, Truly, Named, Kept, Asked, Remembered, Records, Enough}

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
	dropped  map[string]bool   // the caller was not told whether it was accepted
	stalled  map[string]bool

	answered    []Call              // lines of the log about reports that were answered with success
	told        map[string]bool     // key, class of the line and kind of what was said
	undelivered map[int64]int64     // sequence of a message to that of the first line that says so for certain
	stored      map[string][]Stored // by delivery key
	takenBack   map[string]bool     // by delivery key: the database has it that the message did not arrive
}

// Check joins everything and judges it.
func Check(in Inputs, needs Needs) Report {
	c := &check{
		Inputs: in, report: Report{Violations: map[string][]string{}, Kills: map[string]int{}, Points: points},
		accepted: map[string][]Call{}, byKey: map[string][]Call{}, rows: map[string]Row{},
		targets: map[string]Target{}, inFlight: map[string]string{}, dropped: map[string]bool{},
		stalled: map[string]bool{}, told: map[string]bool{}, undelivered: map[int64]int64{}, stored: map[string][]Stored{}, takenBack: map[string]bool{},
	}
	c.index()
	c.said()
	c.once()
	c.agrees()
	c.named()
	c.kept()
	c.asked()
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
			if call.Class == "temporary" && (call.Vendor == "nhn" || call.Vendor == "twilio") { // they do not say that it was not taken
				c.dropped[call.Key] = true
			}
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

// once holds each acceptance after the first to what the vendor of the one before had said by then: the log is in the order of time.
func (c *check) once() {
	for target, calls := range c.accepted {
		for i, call := range calls[1:] {
			if at, said := c.undelivered[calls[i].Sequence]; !said || at > call.Sequence {
				c.violate(Once, "%s was accepted %d times, and nobody had said of line %d that it was not delivered: %s", target, len(calls), calls[i].Sequence, describe(calls))
			}
		}
	}
}

// live are the calls that no report in the database takes back.
func (c *check) live(calls []Call) (list []Call) {
	for _, call := range calls {
		if !c.takenBack[call.Key] {
			list = append(list, call)
		}
	}
	return list
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
		} else if len(c.live(calls)) > 0 && t.Status != "SUCCEEDED" && t.Status != "UNKNOWN" {
			c.violate(Agrees, "%s was accepted (%s) and is %s", target, describe(calls), t.Status)
		}
	}
	for key, calls := range c.byKey {
		if state := c.rows[key].State; state != "SUCCEEDED" && state != "UNKNOWN" {
			c.violate(Agrees, "delivery %s was accepted (%s) and its ledger row is %q", key, describe(calls), state)
		}
	}
	for name, t := range c.targets {
		if n := len(c.live(c.accepted[name])); t.Status == "SUCCEEDED" && n != 1 {
			c.violate(Truly, "%s is SUCCEEDED and was accepted %d times that no report takes back", name, n)
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
