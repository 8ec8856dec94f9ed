package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Policies is the store as port.Policies. Operations: policies.versions, policies.list, policies.draft,
// policies.activate.
func (s *Store) Policies() port.Policies { return policies{s} }

type policies struct{ s *Store }

func (p policies) Versions(ctx context.Context) ([]policy.Version, error) {
	return read(ctx, p.s, "policies.versions", func() ([]policy.Version, error) {
		var versions []policy.Version
		for _, v := range p.s.policies {
			if v.Status() != policy.Draft {
				versions = append(versions, v)
			}
		}
		slices.SortFunc(versions, func(a, b policy.Version) int {
			return cmp.Or(cmp.Compare(a.Ref().ID, b.Ref().ID), cmp.Compare(a.Ref().Version, b.Ref().Version))
		})
		return versions, nil
	})
}

func (p policies) List(ctx context.Context) ([]port.PolicyRecord, error) {
	return read(ctx, p.s, "policies.list", func() ([]port.PolicyRecord, error) {
		var records []port.PolicyRecord
		for ref, v := range p.s.policies {
			record := p.s.policyHistory[ref]
			record.Version = v
			records = append(records, record)
		}
		slices.SortFunc(records, func(a, b port.PolicyRecord) int {
			return cmp.Or(cmp.Compare(a.Version.Ref().ID, b.Version.Ref().ID), cmp.Compare(a.Version.Ref().Version, b.Version.Ref().Version))
		})
		return records, nil
	})
}

func (p policies) Draft(ctx context.Context, spec policy.Spec, by port.Act) (policy.Version, error) {
	var version policy.Version
	err := p.s.audited(ctx, "policies.draft", func() (err error) {
		id, known := p.s.families[spec.Name]
		if !known {
			id = int64(len(p.s.families)) + 1
		}
		ref := policy.Ref{ID: id, Version: 1}
		for other := range p.s.policies {
			if other.ID == id {
				ref.Version = max(ref.Version, other.Version+1)
			}
		}
		if version, err = policy.New(ref, spec); err != nil {
			return fmt.Errorf("%w: %w", port.ErrInvalid, err)
		}
		p.s.families[spec.Name] = id
		p.s.policies[ref] = version
		p.s.policyHistory[ref] = port.PolicyRecord{CreatedBy: p.s.dated(by)}
		p.s.note(port.ActionDraftPolicy, ref.String(), by)
		return nil
	})
	return version, err
}

func (p policies) Activate(ctx context.Context, ref policy.Ref, by port.Act) error {
	return p.s.audited(ctx, "policies.activate", func() error {
		draft, ok := p.s.policies[ref]
		if !ok {
			return fmt.Errorf("%w: policy %s", port.ErrNotFound, ref)
		}
		active, err := draft.Activate()
		if err != nil {
			return err
		}
		for other, v := range p.s.policies {
			if v.Status() != policy.Active {
				continue
			}
			if p.s.policies[other], err = v.Retire(); err != nil {
				return err
			}
			history := p.s.policyHistory[other]
			history.RetiredAt = p.s.dated(by).At
			p.s.policyHistory[other] = history
		}
		p.s.policies[ref] = active
		history := p.s.policyHistory[ref]
		history.ApprovedBy = p.s.dated(by).Approver()
		p.s.policyHistory[ref] = history
		p.s.note(port.ActionActivatePolicy, ref.String(), by)
		return nil
	})
}

// dated is an act with the store's time where it names none.
func (s *Store) dated(by port.Act) port.Act {
	if by.At.IsZero() {
		by.At = s.now()
	}
	by.At = instant(by.At)
	return by
}
