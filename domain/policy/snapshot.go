package policy

import (
	"errors"
	"fmt"
)

// ErrNoActive is returned when a run needs an ACTIVE policy and there is none.
var ErrNoActive = errors.New("no policy is ACTIVE: write one and activate it")

// Snapshot is the policies as a run reads them at its start; a run never reads them again. It is immutable.
type Snapshot struct {
	active   Version
	versions map[Ref]Version
}

// NewSnapshot returns a snapshot of all versions that a target may be bound to. Exactly one must be ACTIVE:
// ErrNoActive, ErrInvalid.
func NewSnapshot(versions []Version) (Snapshot, error) {
	s := Snapshot{versions: make(map[Ref]Version, len(versions))}
	active := 0
	for _, v := range versions {
		s.versions[v.ref] = v
		if v.status == Active {
			s.active = v
			active++
		}
	}
	switch active {
	case 0:
		return Snapshot{}, ErrNoActive
	case 1:
		return s, nil
	default:
		return Snapshot{}, fmt.Errorf("%w: %d versions are ACTIVE at once", ErrInvalid, active)
	}
}

// Active returns the ACTIVE version, which binds targets at their first dispatch.
func (s Snapshot) Active() Version { return s.active }

// For returns the version that a target is bound to; the ACTIVE one for the zero Ref. It reports false if there is no
// such version.
func (s Snapshot) For(ref Ref) (Version, bool) {
	if ref.IsZero() {
		return s.active, s.active.status == Active
	}
	v, ok := s.versions[ref]
	return v, ok
}
