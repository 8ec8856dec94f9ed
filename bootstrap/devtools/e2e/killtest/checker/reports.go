package checker

import (
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
)

// Said is what a line of the gateway's log says of a message that was accepted before.
type Said struct {
	ID     string `json:"id"`
	Of     int64  `json:"of"`     // the message's sequence
	Result string `json:"result"` // delivered, uncertain; undelivered and about_us are certain
	Code   string `json:"code"`
	Status int    `json:"status"` // what the receiver answered
}

// certain tells whether it says for certain that the message did not arrive.
func (s Said) certain() bool { return s.Result == "undelivered" || s.Result == "about_us" }

// kind is as the database calls it; empty for what is no result.
func (s Said) kind() string {
	switch {
	case s.Result == "delivered":
		return "DELIVERED"
	case s.certain() || s.Result == "uncertain":
		return "UNDELIVERED"
	}
	return ""
}

// Stored is a row of delivery_reports.
type Stored struct {
	Month, Provider, ID, Kind, Code string
	User                            int64
	Attempt, Round                  int
	Definitive                      bool
}

// Key is the delivery key that the report is about.
func (r Stored) Key() string { return fmt.Sprintf("%s/%d/%d/%d", r.Month, r.User, r.Attempt, r.Round) }

// undelivered tells whether it takes an acceptance back.
func (r Stored) undelivered() bool { return r.Kind == "UNDELIVERED" && r.Definitive }

// inquired tells whether the report is an answer to a question.
func (r Stored) inquired() bool { return strings.HasPrefix(r.ID, "inquiry-") }

// plain is the delivery key that a text travels for: 15 bytes in base32 (the months since the year 0 in three, the user in eight,
// attempt and round in two each), and 10 of a signature.
func plain(text string) string {
	raw, err := base32.StdEncoding.DecodeString(strings.ToUpper(text))
	if err != nil || len(raw) != 25 {
		return text
	}
	months := int(raw[0])<<16 | int(raw[1])<<8 | int(raw[2])
	return fmt.Sprintf("%04d-%02d/%d/%d/%d", months/12, months%12+1, binary.BigEndian.Uint64(raw[3:]), binary.BigEndian.Uint16(raw[11:]), binary.BigEndian.Uint16(raw[13:]))
}

// said notes what the log says of accepted messages, and what the database has of that.
func (c *check) said() {
	for _, call := range c.Calls {
		switch {
		case call.Said == nil:
		case call.Class == "report_answered":
			if call.Said.Status/100 == 2 {
				c.answered = append(c.answered, call)
			}
		default:
			c.told[call.Key+" "+call.Class+" "+call.Said.kind()] = true
			if _, earlier := c.undelivered[call.Said.Of]; call.Said.certain() && !earlier {
				c.undelivered[call.Said.Of] = call.Sequence
			}
		}
	}
	for _, r := range c.Reports {
		c.stored[r.Key()] = append(c.stored[r.Key()], r)
		if r.undelivered() {
			c.takenBack[r.Key()] = true
		}
	}
}

// kept holds the reports of the database to the log: what was answered with success is there, once, and nothing that nobody said.
func (c *check) kept() {
	seen := map[string]bool{}
	for _, call := range c.answered {
		s := *call.Said
		if seen[s.ID] || s.kind() == "" || call.Vendor == "smtp" && s.Result == "uncertain" { // a mail that is delayed is no result
			continue
		}
		seen[s.ID] = true
		n := 0
		for _, r := range c.stored[call.Key] {
			if r.Provider == call.Vendor && r.Kind == s.kind() && r.Code == s.Code && r.Definitive == (s.Result != "uncertain") && !r.inquired() {
				n++
			}
		}
		if n != 1 {
			c.violate(Kept, "report %s about %s by %s (%s %s) was answered with %d and is stored %d times", s.ID, call.Key, call.Vendor, s.Result, s.Code, s.Status, n)
		}
	}
	for key, reports := range c.stored {
		for _, r := range reports {
			class := "report"
			if r.inquired() {
				class = "looked_up"
			}
			if !c.told[key+" "+class+" "+r.Kind] {
				c.violate(Kept, "the database has a report %s %s about %s that %s never made", r.ID, r.Kind, key, r.Provider)
			}
		}
	}
}

// asked looks for what is UNKNOWN although it was said what became of it, or would be if somebody asked.
func (c *check) asked() {
	for name, t := range c.targets {
		if t.Status != "UNKNOWN" {
			continue
		}
		key := fmt.Sprintf("%s/%d/%d", name, t.Attempt, t.Round)
		if row := c.rows[key]; c.Asked[row.Provider] && len(c.byKey[key]) > 0 {
			c.violate(Asked, "%s is UNKNOWN, %s has taken its message %s and can be asked", name, row.Provider, key)
		}
		for _, r := range c.stored[key] {
			if r.Definitive {
				c.violate(Asked, "%s is UNKNOWN, and a report %s about %s is stored", name, r.Kind, key)
			}
		}
	}
}
