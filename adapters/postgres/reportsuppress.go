package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// suppressReported puts the customers of new reports that reject their channel on the suppression list, in the order of the contacts, so
// that two who do it do not wait for each other in a circle. It does in at most four statements what one report after the other would, and
// returns how many entries it changed.
func (s *session) suppressReported(ctx context.Context, what string, known []port.KnownReport) (changed int, err error) {
	rejecting := slices.DeleteFunc(slices.Clone(known), func(r port.KnownReport) bool { return !r.New || !r.Rejects() })
	if len(rejecting) == 0 {
		return 0, nil
	}
	slices.SortStableFunc(rejecting, func(a, b port.KnownReport) int { return a.Contact().Compare(b.Contact()) })
	asked, err := s.suppressions(ctx, what, rejecting)
	if err != nil {
		return 0, err
	}
	var entries []port.AuditEntry
	first, wider := inRounds(asked)
	for _, round := range [][]suppression{first, wider} {
		added, err := s.suppress(ctx, what, round)
		if err != nil {
			return 0, err
		}
		entries = append(entries, added...)
	}
	return len(entries), s.audit(ctx, entries...)
}

// suppressions are what reports ask for, by the classes of the messages that they are about; a message of a policy that is not known any more
// is a bill.
func (s *session) suppressions(ctx context.Context, what string, rejecting []port.KnownReport) (asked []suppression, err error) {
	refs := map[policy.Ref]bool{}
	for _, r := range rejecting {
		refs[r.Policy] = true
	}
	versions, err := s.versionsOf(ctx, what, slices.Collect(maps.Keys(refs))...)
	if err != nil {
		return nil, err
	}
	for _, r := range rejecting {
		class := policy.Transactional
		if version, there := versions[r.Policy]; there {
			class = version.Class()
		}
		asked = append(asked, suppression{r.Contact(), r.Suppresses(class), port.ActOf(r.Report)})
	}
	return asked, nil
}

// inRounds divides what is asked for, sorted by contact, so that each round has an entry a contact, as a statement changes a row once: the first
// of each, and behind one for advertising the first that widens it. What is left out changes nothing.
func inRounds(asked []suppression) (first, wider []suppression) {
	for _, a := range asked {
		last := len(first) - 1
		switch {
		case last < 0 || first[last].contact != a.contact:
			first = append(first, a)
		case first[last].scope == a.scope || a.scope != policy.ScopeAll:
		case len(wider) == 0 || wider[len(wider)-1].contact != a.contact:
			wider = append(wider, a)
		}
	}
	return first, wider
}
