package memory

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// Store is a database in memory: one store behind all storage ports, which see each other's commits. It behaves as the
// real one does: targets stay locked until their transaction ends; others see what a transaction wrote only after its
// commit; an insert waits for another transaction that has inserted the same key and not committed; a deadlock ends the
// transaction that closes the circle with ErrConflict; times are kept as UTC microseconds; a month that was never
// opened cannot hold anything (ErrInvalid). Safe for concurrent use.
type Store struct {
	clock port.Clock // the database's clock

	importing sync.Mutex // serialises Imports.Store; taken before mu

	mu       sync.Mutex
	released chan struct{} // closed and replaced whenever a transaction ends
	fail     func(op string) error

	bills     map[key.Target]bill
	customers map[string]int64
	lastUser  int64
	ledger    map[key.Target]map[key.Delivery]attempt.Row
	locks     map[key.Target]*tx   // who holds a target
	pending   map[key.Delivery]*tx // who has inserted a key and not committed

	months        map[key.Month]port.MonthState
	suppressed    map[port.Contact]port.Suppression
	halt          port.Halt
	channelHalts  map[channel.Kind]port.ChannelHalt
	installation  string
	families      map[string]int64
	policies      map[policy.Ref]policy.Version
	policyHistory map[policy.Ref]port.PolicyRecord // without the version
	notes         []port.AuditEntry
	runs          map[int64]port.Run
	lastRun       int64
	rejects       map[key.Month]map[port.RejectedRow]rejected
	imports       []port.ImportRecord // the id is the place, from 1
	alone         map[key.Month]bool  // claimed by an import
	checking      bool                // claimed by a restore check
	firstVersion  map[key.Month]int32 // of new bills' data; 0: 1
	mappings      map[key.Month][]port.MonthMapping
	templateSets  map[key.Month][]port.TemplateSet
	budgets       map[string]budget // by their providers
	inquiries     map[key.Delivery]inquiry
	reports       map[key.Target][]report.Report
	strays        map[strayReport]port.Stray
}

// bill is all that is kept of a target.
type bill struct {
	state         billing.State
	customer      string
	data          []byte
	destinations  []port.Destination
	statement     []byte
	renderFailure string
	renderedAt    time.Time
	templateSet   int16
	fingerprint   [32]byte
	version       int32
	file          string
	line          int
	importID      int64
}

type rejected struct {
	port.Reject
	resolved  bool
	dismissed bool // resolved for good
}

// NewStore returns an empty store. The clock is the database's: leases and what the sweeps see go by it.
func NewStore(clock port.Clock) *Store {
	return &Store{
		clock:         clock,
		installation:  "memory",
		channelHalts:  map[channel.Kind]port.ChannelHalt{},
		released:      make(chan struct{}),
		bills:         map[key.Target]bill{},
		customers:     map[string]int64{},
		ledger:        map[key.Target]map[key.Delivery]attempt.Row{},
		locks:         map[key.Target]*tx{},
		pending:       map[key.Delivery]*tx{},
		months:        map[key.Month]port.MonthState{},
		suppressed:    map[port.Contact]port.Suppression{},
		families:      map[string]int64{},
		policies:      map[policy.Ref]policy.Version{},
		policyHistory: map[policy.Ref]port.PolicyRecord{},
		runs:          map[int64]port.Run{},
		rejects:       map[key.Month]map[port.RejectedRow]rejected{},
		alone:         map[key.Month]bool{},
		firstVersion:  map[key.Month]int32{},
		mappings:      map[key.Month][]port.MonthMapping{},
		templateSets:  map[key.Month][]port.TemplateSet{},
		budgets:       map[string]budget{},
		inquiries:     map[key.Delivery]inquiry{},
		reports:       map[key.Target][]report.Report{},
		strays:        map[strayReport]port.Stray{},
	}
}

// Done names the moment after an operation's commit for a fault hook: an error there means that the operation was
// done and its answer lost.
func Done(op string) string { return op + "/done" }

// Fail sets the fault hook; nil removes it. The hook is called before every operation with its name, such as
// "ledger.claim" or "targets.lock_page": if it returns an error, the caller gets that and nothing is done. It is called
// again with Done(op) after the operation was committed: then the caller gets its error although everything was done.
// For a transaction it is called with "targets.within" at the beginning and with "targets.commit" before the commit.
// The hook may block and use the store, because nothing is locked; it may be called from many goroutines at once.
func (s *Store) Fail(hook func(op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = hook
}

// fault asks the hook, after it has looked at the context.
func (s *Store) fault(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.hooked(op)
}

func (s *Store) hooked(op string) error {
	s.mu.Lock()
	hook := s.fail
	s.mu.Unlock()
	if hook == nil {
		return nil
	}
	if err := hook(op); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}

// audited is do for an operation that keeps an audit entry: a fault of the entry leaves the operation undone, as the
// end of a transaction would.
func (s *Store) audited(ctx context.Context, op string, fn func() error) error {
	if err := s.fault(ctx, "audit.record"); err != nil {
		return err
	}
	return s.do(ctx, op, fn)
}

// note keeps an audit entry. Called with mu held.
func (s *Store) note(action port.Action, subject string, by port.Act) {
	s.notes = append(s.notes, port.AuditEntry{Action: action, Subject: subject, By: s.dated(by)})
}

// do runs a single operation, with its faults before and after, under the lock.
func (s *Store) do(ctx context.Context, op string, fn func() error) error {
	if err := s.fault(ctx, op); err != nil {
		return err
	}
	s.mu.Lock()
	err := fn()
	s.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.hooked(Done(op))
}

// read is do for what changes nothing.
func read[T any](ctx context.Context, s *Store, op string, fn func() (T, error)) (T, error) {
	var result T
	err := s.do(ctx, op, func() (err error) {
		result, err = fn()
		return err
	})
	return result, err
}

// wait releases the lock and waits until blocked names no transaction. by is the transaction that waits; nil if the
// waiter holds nothing. mu is held when wait is called and when it returns.
func (s *Store) wait(ctx context.Context, by *tx, blocked func() *tx) error {
	for {
		holder := blocked()
		if holder == nil || holder == by {
			return nil
		}
		if by != nil {
			for next := holder; next != nil; next = next.waitsFor {
				if next == by {
					return fmt.Errorf("%w: a deadlock", port.ErrConflict)
				}
			}
			by.waitsFor = holder
		}
		released := s.released
		s.mu.Unlock()
		var err error
		select {
		case <-released:
		case <-ctx.Done():
			err = ctx.Err()
		}
		s.mu.Lock()
		if by != nil {
			by.waitsFor = nil
		}
		if err != nil {
			return err
		}
	}
}

// instant is a time as the store keeps it: UTC microseconds, without a monotonic reading.
func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Microsecond)
}

func (s *Store) now() time.Time { return instant(s.clock.Now()) }

var errNotOpened = errors.New("the month was never opened")

// opened refuses what belongs to a month that was never opened.
func (s *Store) opened(month key.Month) error {
	if _, ok := s.months[month]; !ok {
		return fmt.Errorf("%w: %s: %w", port.ErrInvalid, month, errNotOpened)
	}
	return nil
}

// restored is the target of a bill as readers see it: what is suppressed is known at the moment of reading.
func (s *Store) restored(b bill) (billing.Target, error) {
	state := b.state
	for _, kind := range channel.All {
		entry, ok := s.suppressed[port.Contact{UserID: key.CustomerID(state.Key.UserID), Channel: kind}]
		switch {
		case !ok:
		case entry.Scope == policy.ScopeAdvertising:
			state.OptedOut |= channel.NewSet(kind)
		default:
			state.Suppressed |= channel.NewSet(kind)
		}
	}
	return billing.Restore(state)
}
