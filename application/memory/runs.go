package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// Audit is the store as port.Audit. Operations: audit.record, which every other operation that is audited has too, and
// audit.about.
func (s *Store) Audit() port.Audit { return audit{s} }

type audit struct{ s *Store }

func (p audit) Record(ctx context.Context, entry port.AuditEntry) error {
	return p.s.do(ctx, "audit.record", func() error {
		p.s.note(entry.Action, entry.Subject, entry.By)
		return nil
	})
}

func (p audit) About(ctx context.Context, subjects []string) ([]port.AuditEntry, error) {
	return read(ctx, p.s, "audit.about", func() ([]port.AuditEntry, error) {
		var found []port.AuditEntry
		for _, n := range p.s.notes {
			if slices.Contains(subjects, n.Subject) {
				found = append(found, n)
			}
		}
		return found, nil
	})
}

func (p audit) List(ctx context.Context, filter port.AuditFilter, limit int) ([]port.AuditRecord, error) {
	return read(ctx, p.s, "audit.list", func() ([]port.AuditRecord, error) {
		var found []port.AuditRecord
		for i, n := range slices.Backward(p.s.notes) {
			if r := (port.AuditRecord{ID: int64(i + 1), AuditEntry: n}); filter.Chooses(r) && len(found) < limit {
				found = append(found, r)
			}
		}
		return found, nil
	})
}

// Notes returns what operators did, oldest first.
func (s *Store) Notes() []port.AuditEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}

// Runs is the store as port.Runs. Operations: runs.start, runs.update, runs.find, runs.latest.
func (s *Store) Runs() port.Runs { return runs{s} }

type runs struct{ s *Store }

func (p runs) Start(ctx context.Context, run port.Run) (int64, error) {
	return read(ctx, p.s, "runs.start", func() (int64, error) {
		p.s.lastRun++
		run.ID = p.s.lastRun
		p.s.runs[run.ID] = keptRun(run)
		return run.ID, nil
	})
}

func (p runs) Update(ctx context.Context, run port.Run) error {
	return p.s.do(ctx, "runs.update", func() error {
		if _, ok := p.s.runs[run.ID]; !ok {
			return fmt.Errorf("%w: run %d", port.ErrNotFound, run.ID)
		}
		p.s.runs[run.ID] = keptRun(run)
		return nil
	})
}

func (p runs) Find(ctx context.Context, id int64) (port.Run, error) {
	return read(ctx, p.s, "runs.find", func() (port.Run, error) {
		run, ok := p.s.runs[id]
		if !ok {
			return run, fmt.Errorf("%w: run %d", port.ErrNotFound, id)
		}
		return keptRun(run), nil
	})
}

func (p runs) Latest(ctx context.Context, month key.Month, limit int) ([]port.Run, error) {
	return read(ctx, p.s, "runs.latest", func() ([]port.Run, error) {
		var latest []port.Run
		for id := p.s.lastRun; id > 0 && len(latest) < limit; id-- {
			if run, kept := p.s.runs[id]; kept && (month == 0 || run.Month == month) {
				latest = append(latest, keptRun(run))
			}
		}
		return latest, nil
	})
}

func keptRun(run port.Run) port.Run {
	run.Policies = slices.Clone(run.Policies)
	run.Decisions = maps.Clone(run.Decisions)
	run.By.At, run.StartedAt, run.FinishedAt = instant(run.By.At), instant(run.StartedAt), instant(run.FinishedAt)
	return run
}

// Run returns a run's record; false where it was never started.
func (s *Store) Run(id int64) (port.Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run, ok := s.runs[id]
	return keptRun(run), ok
}
