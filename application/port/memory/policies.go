package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Policies is the store as port.Policies. Operations: policies.versions, policies.draft, policies.activate.
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

func (p policies) Draft(ctx context.Context, spec policy.Spec, _ port.Act) (policy.Version, error) {
	return read(ctx, p.s, "policies.draft", func() (policy.Version, error) {
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
		version, err := policy.New(ref, spec)
		if err != nil {
			return policy.Version{}, fmt.Errorf("%w: %w", port.ErrInvalid, err)
		}
		p.s.families[spec.Name] = id
		p.s.policies[ref] = version
		return version, nil
	})
}

func (p policies) Activate(ctx context.Context, ref policy.Ref, _ port.Act) error {
	return p.s.do(ctx, "policies.activate", func() error {
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
		}
		p.s.policies[ref] = active
		return nil
	})
}
