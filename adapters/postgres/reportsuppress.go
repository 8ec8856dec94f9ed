package postgres

import (
	"context"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// suppressReported puts the customers of new reports that reject their channel on the suppression list, in the order of the contacts, so
// that two who do it do not wait for each other in a circle. It returns how many entries it changed.
func (s *session) suppressReported(ctx context.Context, what string, known []port.KnownReport) (changed int, err error) {
	rejecting := slices.DeleteFunc(slices.Clone(known), func(r port.KnownReport) bool { return !r.New || !r.Rejects() })
	slices.SortStableFunc(rejecting, func(a, b port.KnownReport) int { return a.Contact().Compare(b.Contact()) })
	classes := map[policy.Ref]policy.MessageClass{}
	for _, r := range rejecting {
		class, looked := classes[r.Policy]
		if !looked {
			if class, err = s.classOf(ctx, what, r.Policy); err != nil {
				return changed, err
			}
			classes[r.Policy] = class
		}
		n, err := s.suppress(ctx, r.Suppresses(class), []port.Contact{r.Contact()}, port.ActOf(r.Report))
		if changed += n; err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// classOf is the class of a policy version's messages; of one that is not known any more a bill.
func (s *session) classOf(ctx context.Context, what string, ref policy.Ref) (policy.MessageClass, error) {
	class := policy.Transactional
	err := s.query(ctx, what, versionSQL, []any{ref.ID, ref.Version}, func(scan func(...any) error) error {
		version, err := readVersion(scan)
		if err == nil {
			class = version.Class()
		}
		return err
	})
	return class, err
}
