package porttest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// brokenSuppressions keeps contacts as change leaves them.
type brokenSuppressions struct {
	port.Suppressions
	change  func(c port.Contact) port.Contact
	lenient bool // Lift does nothing
	all     bool // Of answers for one customer too few
}

func (b brokenSuppressions) Of(ctx context.Context, userID int64) ([]port.Suppression, error) {
	if b.all {
		userID++
	}
	return b.Suppressions.Of(ctx, userID)
}

func (b brokenSuppressions) Suppressed(ctx context.Context, contacts []port.Contact) (listed []port.Contact, err error) {
	for _, c := range contacts {
		found, err := b.Suppressions.Suppressed(ctx, []port.Contact{b.change(c)})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			listed = append(listed, c)
		}
	}
	return listed, nil
}

func (b brokenSuppressions) Suppress(ctx context.Context, contacts []port.Contact, reason string) error {
	contacts = slices.Clone(contacts)
	for i := range contacts {
		contacts[i] = b.change(contacts[i])
	}
	return b.Suppressions.Suppress(ctx, contacts, reason)
}

func (b brokenSuppressions) Lift(ctx context.Context, contacts []port.Contact) error {
	if b.lenient {
		return ctx.Err()
	}
	return b.Suppressions.Lift(ctx, contacts)
}

func TestTheSuppressionsSuiteRejectsBrokenLists(t *testing.T) {
	t.Parallel()
	list := func(b brokenSuppressions) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Suppressions = s.Suppressions
			s.Suppressions = b
		}
	}
	rejects(t, "Suppressions", []broken{
		{"which knows customers alone", list(brokenSuppressions{change: func(c port.Contact) port.Contact {
			c.Channel = channel.Email
			return c
		}}), []string{"tells which contacts must not be made, by customer and channel"}},
		{
			"which never lifts", list(brokenSuppressions{lenient: true, change: func(c port.Contact) port.Contact { return c }}),
			[]string{"tells which contacts must not be made, by customer and channel", "suppresses and lifts safely again"},
		},
		{
			"which tells of another customer", list(brokenSuppressions{all: true, change: func(c port.Contact) port.Contact { return c }}),
			[]string{"tells a customer's entries with their reasons, and counts the list"},
		},
		{"which mixes up customers", list(brokenSuppressions{change: func(c port.Contact) port.Contact {
			c.UserID %= 501
			c.Channel = channel.Email
			return c
		}}), []string{"answers for many contacts at once"}},
	})
}

// brokenMonths replaces those methods that are set.
type brokenMonths struct {
	port.Months
	open  func(ctx context.Context, m port.Months, month key.Month) error
	close func(ctx context.Context, m port.Months, month key.Month) error
	list  func(months []key.Month) []key.Month
	all   func(months []port.MonthState) []port.MonthState
}

func (b brokenMonths) All(ctx context.Context) ([]port.MonthState, error) {
	months, err := b.Months.All(ctx)
	if b.all != nil {
		months = b.all(months)
	}
	return months, err
}

func (b brokenMonths) Open(ctx context.Context, month key.Month) error {
	if b.open == nil {
		return b.Months.Open(ctx, month)
	}
	return b.open(ctx, b.Months, month)
}

func (b brokenMonths) Close(ctx context.Context, month key.Month) error {
	if b.close == nil {
		return b.Months.Close(ctx, month)
	}
	return b.close(ctx, b.Months, month)
}

func (b brokenMonths) List(ctx context.Context) ([]key.Month, error) {
	months, err := b.Months.List(ctx)
	if b.list != nil {
		months = b.list(months)
	}
	return months, err
}

func TestTheMonthsSuiteRejectsBrokenMonths(t *testing.T) {
	t.Parallel()
	months := func(b brokenMonths) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Months = s.Months
			s.Months = b
		}
	}
	rejects(t, "Months", []broken{
		{"which lists the latest first", months(brokenMonths{list: func(months []key.Month) []key.Month {
			slices.Reverse(months)
			return months
		}}), []string{"lists the open months, oldest first", "opens a month twice without harm"}},
		{"which hides closed months", months(brokenMonths{all: func(months []port.MonthState) []port.MonthState {
			return slices.DeleteFunc(months, func(m port.MonthState) bool { return !m.Open })
		}}), []string{"tells of every month whether it is open, and since when"}},
		{"which hides that a month is closed", months(brokenMonths{open: func(ctx context.Context, m port.Months, month key.Month) error {
			_ = m.Open(ctx, month)
			return ctx.Err()
		}}), []string{"closes a month for good"}},
		{"which closes what was never opened", months(brokenMonths{close: func(ctx context.Context, m port.Months, month key.Month) error {
			if err := m.Close(ctx, month); !errors.Is(err, port.ErrNotFound) {
				return err
			}
			return nil
		}}), []string{"does not close what was never opened"}},
		{"which always makes room", func(s *porttest.Storage, _ *memory.Store) {
			_ = s.Months.Open(context.Background(), key.Month(2027*12))
		}, []string{"makes room for the month's bills"}},
	})
}

// forgetful is a switch that forgets who set it.
type forgetful struct{ port.Control }

func (f forgetful) SetHalt(ctx context.Context, halt port.Halt) error {
	halt.Actor = ""
	return f.Control.SetHalt(ctx, halt)
}

func TestTheControlSuiteRejectsABrokenSwitch(t *testing.T) {
	t.Parallel()
	rejects(t, "Control", []broken{{"which forgets who set it", func(s *porttest.Storage, _ *memory.Store) {
		s.Control = forgetful{s.Control}
	}, []string{"halts and lifts, and tells who, why and since when"}}})
}

// brokenPolicies replaces those methods that are set.
type brokenPolicies struct {
	port.Policies
	versions func(versions []policy.Version) []policy.Version
	draft    func(ctx context.Context, p port.Policies, spec policy.Spec) (policy.Version, error)
	activate func(ctx context.Context, p port.Policies, ref policy.Ref) error
	list     func(records []port.PolicyRecord) []port.PolicyRecord
}

func (b brokenPolicies) List(ctx context.Context) ([]port.PolicyRecord, error) {
	records, err := b.Policies.List(ctx)
	if b.list != nil {
		records = b.list(records)
	}
	return records, err
}

func (b brokenPolicies) Versions(ctx context.Context) ([]policy.Version, error) {
	versions, err := b.Policies.Versions(ctx)
	if b.versions != nil {
		versions = b.versions(versions)
	}
	return versions, err
}

func (b brokenPolicies) Draft(ctx context.Context, spec policy.Spec, by port.Act) (policy.Version, error) {
	if b.draft == nil {
		return b.Policies.Draft(ctx, spec, by)
	}
	return b.draft(ctx, b.Policies, spec)
}

func (b brokenPolicies) Activate(ctx context.Context, ref policy.Ref, by port.Act) error {
	if b.activate == nil {
		return b.Policies.Activate(ctx, ref, by)
	}
	return b.activate(ctx, b.Policies, ref)
}

// revived shows RETIRED versions as ACTIVE: as if none had been retired.
func revived(versions []policy.Version) []policy.Version {
	for i, v := range versions {
		versions[i], _ = policy.Restore(v.Ref(), policy.Active, v.Spec())
	}
	return versions
}

func TestThePoliciesSuiteRejectsBrokenPolicies(t *testing.T) {
	t.Parallel()
	policies := func(b brokenPolicies) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Policies = s.Policies
			s.Policies = b
		}
	}
	drafts := 0
	rejects(t, "Policies", []broken{
		{"which retire nothing", policies(brokenPolicies{versions: revived}), []string{
			"retires the version before when one is activated", "keeps one version ACTIVE when many are activated at once",
		}},
		{"which begin a family with each draft", policies(brokenPolicies{draft: func(ctx context.Context, p port.Policies, spec policy.Spec) (policy.Version, error) {
			drafts++
			spec.Name += string(rune('a' + drafts))
			return p.Draft(ctx, spec, port.Act{})
		}}), []string{"numbers families and their versions"}},
		{"which lose a field", policies(brokenPolicies{draft: func(ctx context.Context, p port.Policies, spec policy.Spec) (policy.Version, error) {
			spec.CallDeadline = 0
			return p.Draft(ctx, spec, port.Act{})
		}}), []string{"keeps every field of a spec"}},
		{"which activate each draft at once", policies(brokenPolicies{draft: func(ctx context.Context, p port.Policies, spec policy.Spec) (policy.Version, error) {
			v, err := p.Draft(ctx, spec, port.Act{})
			return v, errors.Join(err, p.Activate(ctx, v.Ref(), port.Act{}))
		}}), []string{"shows no drafts"}},
		{"which hide that a version is no draft", policies(brokenPolicies{activate: func(ctx context.Context, p port.Policies, ref policy.Ref) error {
			if err := p.Activate(ctx, ref, port.Act{}); !errors.Is(err, policy.ErrTransition) {
				return err
			}
			return nil
		}}), []string{"activates drafts alone"}},
		{"which hide drafts from the list", policies(brokenPolicies{list: func(records []port.PolicyRecord) []port.PolicyRecord {
			return slices.DeleteFunc(records, func(r port.PolicyRecord) bool { return r.Version.Status() == policy.Draft })
		}}), []string{"lists every version, with who wrote it and who let it go live"}},
		{"which forget who let a version go live", policies(brokenPolicies{list: func(records []port.PolicyRecord) []port.PolicyRecord {
			for i := range records {
				records[i].ApprovedBy = records[i].CreatedBy
			}
			return records
		}}), []string{"lists every version, with who wrote it and who let it go live"}},
		{"which take a spec that cannot work", policies(brokenPolicies{draft: func(ctx context.Context, p port.Policies, spec policy.Spec) (policy.Version, error) {
			if len(spec.Route) == 0 {
				spec.Route = policy.Route{{Channel: channel.Email, Tries: 1}}
			}
			return p.Draft(ctx, spec, port.Act{})
		}}), []string{"refuses a spec that cannot work"}},
	})
}

// terse keeps no reasons.
type terse struct{ port.Audit }

func (a terse) Note(ctx context.Context, what, subject string, by port.Act) error {
	by.Reason = ""
	return a.Audit.Note(ctx, what, subject, by)
}

// chatty tells everything, whatever is asked for.
type chatty struct {
	port.Audit
	store *memory.Store
}

func (a chatty) About(ctx context.Context, _ []string) ([]port.Note, error) {
	return a.store.Notes(), ctx.Err()
}

func TestTheAuditSuiteRejectsBrokenNotes(t *testing.T) {
	t.Parallel()
	rejects(t, "Audit", []broken{
		{"without reasons", func(s *porttest.Storage, _ *memory.Store) {
			s.Audit = terse{s.Audit}
		}, []string{"keeps what was done, to what, by whom, why and when"}},
		{"which tell everything", func(s *porttest.Storage, store *memory.Store) {
			s.Audit = chatty{s.Audit, store}
		}, []string{"tells what was done to the subjects alone that are asked for"}},
	})
}

// brokenRuns replaces those methods that are set.
type brokenRuns struct {
	port.Runs
	start  func(id int64) int64
	update func(ctx context.Context, r port.Runs, run port.Run) error
	latest func(runs []port.Run) []port.Run
}

func (b brokenRuns) Latest(ctx context.Context, month key.Month, limit int) ([]port.Run, error) {
	runs, err := b.Runs.Latest(ctx, month, limit)
	if b.latest != nil {
		runs = b.latest(runs)
	}
	return runs, err
}

func (b brokenRuns) Start(ctx context.Context, run port.Run) (int64, error) {
	id, err := b.Runs.Start(ctx, run)
	if b.start != nil {
		id = b.start(id)
	}
	return id, err
}

func (b brokenRuns) Update(ctx context.Context, run port.Run) error {
	if b.update == nil {
		return b.Runs.Update(ctx, run)
	}
	return b.update(ctx, b.Runs, run)
}

func TestTheRunsSuiteRejectsBrokenRecords(t *testing.T) {
	t.Parallel()
	runs := func(b brokenRuns) func(*porttest.Storage, *memory.Store) {
		return func(s *porttest.Storage, _ *memory.Store) {
			b.Runs = s.Runs
			s.Runs = b
		}
	}
	rejects(t, "Runs", []broken{
		{"which count from 0", runs(brokenRuns{start: func(id int64) int64 { return id - 1 }}), []string{"numbers runs from 1 on"}},
		{"which list the oldest first", runs(brokenRuns{latest: func(runs []port.Run) []port.Run {
			slices.Reverse(runs)
			return runs
		}}), []string{"lists the last runs of a month or of all, the newest first"}},
		{"which forget who approved", runs(brokenRuns{update: func(ctx context.Context, r port.Runs, run port.Run) error {
			run.By.ApprovedBy = ""
			return r.Update(ctx, run)
		}}), []string{"keeps every field of a record"}},
		{"which lose a field", runs(brokenRuns{update: func(ctx context.Context, r port.Runs, run port.Run) error {
			run.PageTimeP99 = 0
			return r.Update(ctx, run)
		}}), []string{"keeps every field of a record"}},
		{"which take an update of a run that was never started", runs(brokenRuns{update: func(ctx context.Context, r port.Runs, run port.Run) error {
			_ = r.Update(ctx, run)
			return nil
		}}), []string{"updates a run that was started, and no other"}},
		{"which update the last run whichever it is", runs(brokenRuns{update: func(ctx context.Context, r port.Runs, run port.Run) error {
			id, _ := r.Start(ctx, run)
			run.ID = id - 1
			return r.Update(ctx, run)
		}}), []string{"updates a run that was started, and no other"}},
	})
}
