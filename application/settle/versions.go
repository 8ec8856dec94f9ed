package settle

import (
	"context"
	"fmt"
	"sync"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/policy"
)

// versions caches the policy versions. A version never changes, so the cache can only lack new ones.
type versions struct {
	policies port.Policies
	mu       sync.Mutex
	known    map[policy.Ref]policy.Version
}

// finder returns how to find a version, reading the versions if the cache is empty.
func (v *versions) finder(ctx context.Context) (billing.Policies, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.known == nil {
		list, err := v.policies.Versions(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the policies: %w", err)
		}
		known := make(map[policy.Ref]policy.Version, len(list))
		for _, version := range list {
			known[version.Ref()] = version
		}
		v.known = known
	}
	known := v.known
	return func(ref policy.Ref) (policy.Version, bool) {
		version, ok := known[ref]
		return version, ok
	}, nil
}

// forget empties the cache.
func (v *versions) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known = nil
}
