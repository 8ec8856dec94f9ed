package memory

import (
	"fmt"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Seeded is a target as a test wants to find it.
type Seeded struct {
	State        billing.State
	Customer     string // "" stands for "customer-<user id>"
	Destinations []port.Destination
	Statement    []byte // sealed StatementRef
	Data         []byte // sealed billing data
	Version      int32  // of the data; 0 stands for 1
	Rows         []attempt.Row
}

// Seed puts a target and its ledger rows into the store as they are, past all rules, opens its month, and puts its
// suppressed channels on the list. It overwrites.
func (s *Store) Seed(seeds ...Seeded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, seed := range seeds {
		k := seed.State.Key
		if seed.Customer == "" {
			seed.Customer = fmt.Sprintf("customer-%d", k.UserID)
		}
		s.seedMonth(k.Month)
		s.customers[seed.Customer] = k.UserID
		s.lastUser = max(s.lastUser, k.UserID)
		s.seedSuppressed(k.UserID, seed.State.OptedOut, policy.ScopeAdvertising)
		s.seedSuppressed(k.UserID, seed.State.Suppressed, policy.ScopeAll)
		s.bills[k] = bill{
			state: kept(seed.State), customer: seed.Customer, data: slices.Clone(seed.Data),
			destinations: cloneDestinations(seed.Destinations), statement: slices.Clone(seed.Statement),
			version: max(seed.Version, 1),
		}
		for _, row := range seed.Rows {
			s.seedMonth(row.Key.Month)
			s.put(row)
		}
	}
}

// Target returns a target as it is committed; false where there is none.
func (s *Store) Target(k key.Target) (billing.Target, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.bills[k]
	if !ok {
		return billing.Target{}, false
	}
	target, err := s.restored(b)
	return target, err == nil
}

// Rows returns the ledger rows of a target, sorted by key.
func (s *Store) Rows(k key.Target) []attempt.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rowsOf(k)
}

func (s *Store) seedMonth(month key.Month) {
	if _, known := s.months[month]; !known {
		s.months[month] = port.MonthState{Month: month, OpenedAt: s.now()}
	}
	state := s.months[month]
	state.Open = true
	s.months[month] = state
}

func (s *Store) seedSuppressed(user int64, on channel.Set, scope policy.Scope) {
	for _, kind := range on.Kinds() {
		c := port.Contact{UserID: user, Channel: kind}
		s.suppressed[c] = port.Suppression{Contact: c, Scope: scope, Reason: "seeded", Since: s.now()}
	}
}
