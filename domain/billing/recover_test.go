package billing_test

import (
	"slices"
	"testing"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// tried is a ledger row of a target's attempt and round.
func tried(k key.Target, n, round int16, state attempt.State, reason attempt.Reason) attempt.Row {
	return attempt.Row{
		Key: key.Delivery{Month: k.Month, UserID: k.UserID, Attempt: n, Round: round}, State: state, Reason: reason,
		Facts: attempt.Facts{Step: 1, PolicyID: 3, PolicyVersion: 4, RunID: 9},
	}
}

// What the log told is not asked about; what it did not tell holds the target.
func TestARestoredTargetTakesTheHighestKeyThatTheLogShows(t *testing.T) {
	t.Parallel()
	k := key.Target{Month: 2026*12 + 10, UserID: 7}
	const told, lost = attempt.ReasonRefused, attempt.ReasonRestored
	at := func(n, round int16) key.Delivery {
		return key.Delivery{Month: k.Month, UserID: k.UserID, Attempt: n, Round: round}
	}
	for name, test := range map[string]struct {
		from    billing.Status
		rows    []attempt.Row
		to      billing.Status
		at      key.Delivery
		held    bool
		missing []key.Delivery
	}{
		"no row":                                {billing.Ready, nil, billing.Ready, at(0, 0), false, nil},
		"requested, and no row":                 {billing.Requested, nil, billing.Requested, at(0, 0), false, []key.Delivery{at(0, 0)}},
		"a row of the current key":              {billing.Ready, []attempt.Row{tried(k, 0, 0, attempt.Unknown, lost)}, billing.Ready, at(0, 0), false, nil},
		"a higher round, all told":              {billing.Ready, []attempt.Row{tried(k, 0, 0, attempt.NotSent, told), tried(k, 0, 1, attempt.Unknown, lost)}, billing.Requested, at(0, 1), false, nil},
		"a higher attempt, all told":            {billing.Failed, []attempt.Row{tried(k, 0, 0, attempt.Failed, told), tried(k, 1, 0, attempt.Failed, told)}, billing.Requested, at(1, 0), false, nil},
		"a lower key that nothing tells of":     {billing.Ready, []attempt.Row{tried(k, 0, 1, attempt.NotSent, told)}, billing.Paused, at(0, 1), true, []key.Delivery{at(0, 0)}},
		"a lower key without a result":          {billing.Requested, []attempt.Row{tried(k, 0, 0, attempt.Unknown, lost), tried(k, 1, 0, attempt.Failed, told)}, billing.Paused, at(1, 0), true, nil},
		"a lower key whose content was refused": {billing.Ready, []attempt.Row{refusedContent(k, 0, 0), tried(k, 0, 1, attempt.Failed, told)}, billing.Paused, at(0, 1), true, nil},
		"rounds of an attempt in between":       {billing.Ready, []attempt.Row{tried(k, 0, 0, attempt.Failed, told), tried(k, 1, 2, attempt.NotSent, told), tried(k, 2, 0, attempt.Failed, told)}, billing.Paused, at(2, 0), true, []key.Delivery{at(1, 0), at(1, 1)}},
		"sent anyway, and lost":                 {billing.Unknown, []attempt.Row{tried(k, 0, 0, attempt.Unknown, attempt.ReasonNoAnswer), tried(k, 1, 0, attempt.Failed, told)}, billing.Requested, at(1, 0), false, nil},
		"un-cancelled, and lost":                {billing.Cancelled, []attempt.Row{tried(k, 0, 0, attempt.Revoked, attempt.ReasonCancel), tried(k, 0, 1, attempt.Failed, told)}, billing.Requested, at(0, 1), false, nil},
		"paused by a person":                    {billing.Paused, []attempt.Row{tried(k, 0, 0, attempt.NotSent, told), tried(k, 0, 1, attempt.NotSent, told)}, billing.Paused, at(0, 1), false, nil},
		"at an end: nothing of it is sent":      {billing.Exhausted, []attempt.Row{tried(k, 5, 0, attempt.Failed, told)}, billing.Exhausted, at(0, 0), false, nil},
		"a report had taken it back":            {billing.Succeeded, []attempt.Row{tried(k, 0, 0, attempt.Succeeded, ""), tried(k, 1, 0, attempt.Failed, told)}, billing.Requested, at(1, 0), false, nil},
		"accepted, and nothing came after":      {billing.Succeeded, []attempt.Row{tried(k, 0, 0, attempt.Succeeded, "")}, billing.Succeeded, at(0, 0), false, nil},
		"the last round that a key can name":    {billing.Ready, []attempt.Row{tried(k, 0, 0, attempt.NotSent, told), tried(k, 1, 32767, attempt.Failed, told)}, billing.Paused, at(1, 32767), true, rounds(k, 1, 0, 32766)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target, err := billing.Restore(billing.State{Key: k, Batch: billing.Rendered, Dispatch: test.from, Pause: pauseOf(test.from), PendingEnd: ""})
			if err != nil {
				t.Fatal(err)
			}
			found, err := target.RecoverKey(test.rows)
			if err != nil {
				t.Fatal(err)
			}
			if target.Status() != test.to || target.Delivery() != test.at || found.Held != test.held || !slices.Equal(found.Missing, test.missing) {
				t.Errorf("%s at %s, held %v, missing %v; want %s at %s, %v, %v", target.Status(), target.Delivery(), found.Held, found.Missing, test.to, test.at, test.held, test.missing)
			}
			state := target.State()
			if found.Moved != (test.at != at(0, 0)) {
				t.Errorf("moved: %v", found.Moved)
			}
			if found.Moved && (state.Step != 1 || state.Policy != (policy.Ref{ID: 3, Version: 4}) || state.RunID != 9) {
				t.Errorf("it has not what the row says: %+v", state)
			}
			if found.Held && state.Pause != billing.PauseRestored {
				t.Errorf("paused because of %q", state.Pause)
			}
			again, err := target.RecoverKey(append(test.rows, rowsOf(found.Missing)...))
			if err != nil || again.Moved || len(again.Missing) > 0 {
				t.Errorf("again: %+v, %v", again, err)
			}
		})
	}
}

// refusedContent is a row whose content must not go out: only a correction is followed by a higher key.
func refusedContent(k key.Target, n, round int16) attempt.Row {
	r := tried(k, n, round, attempt.Failed, attempt.ReasonContent)
	r.Class = attempt.Content
	return r
}

func pauseOf(status billing.Status) billing.PauseReason {
	if status == billing.Paused {
		return billing.PauseOperator
	}
	return ""
}

func rounds(k key.Target, n int16, from, to int) (keys []key.Delivery) {
	for round := from; round <= to; round++ {
		keys = append(keys, key.Delivery{Month: k.Month, UserID: k.UserID, Attempt: n, Round: int16(round)})
	}
	return keys
}

func rowsOf(keys []key.Delivery) []attempt.Row {
	rows := make([]attempt.Row, len(keys))
	for i, k := range keys {
		rows[i] = attempt.Row{Key: k, State: attempt.Unknown, Reason: attempt.ReasonRestored}
	}
	return rows
}
