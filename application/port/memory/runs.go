package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
)

// Note is an act as Audit keeps it.
type Note struct {
	What, Subject string
	By            port.Act
}

// Audit is the store as port.Audit. Operation: audit.note.
func (s *Store) Audit() port.Audit { return audit{s} }

type audit struct{ s *Store }

func (p audit) Note(ctx context.Context, what, subject string, by port.Act) error {
	by.At = instant(by.At)
	return p.s.do(ctx, "audit.note", func() error {
		p.s.notes = append(p.s.notes, Note{What: what, Subject: subject, By: by})
		return nil
	})
}

// Notes returns what operators did, oldest first.
func (s *Store) Notes() []Note {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.notes)
}

// Runs is the store as port.Runs. Operations: runs.start, runs.update.
func (s *Store) Runs() port.Runs { return runs{s} }

type runs struct{ s *Store }

func (p runs) Start(ctx context.Context, run port.Run) (int64, error) {
	return read(ctx, p.s, "runs.start", func() (int64, error) {
		run.ID = int64(len(p.s.runs)) + 1
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
