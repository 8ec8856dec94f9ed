package checker

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
				if row := c.rows[key]; len(c.byKey[key]) != 1 || row.State != "UNKNOWN" && !(c.Asked[row.Provider] && row.State == "SUCCEEDED") {
					c.violate(Records, "%s was killed after %s was accepted; it was accepted %d times and is %q", kill.Role, key, len(c.byKey[key]), c.rows[key].State)
				}
			case points[4]: // outcome written, result not published
				if state := c.rows[key].State; state == "" || state == "CLAIMED" {
					c.violate(Records, "%s was killed after the outcome of %s was written; its row is %q", kill.Role, key, state)
				}
			case points[6]: // report stored, not answered
				if len(c.stored[key]) == 0 {
					c.violate(Records, "%s was killed after a report about %s was stored, and there is none", kill.Role, key)
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
