package dispatcherapp

import (
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

// runsDocument is what a command's runs came to, for programs.
type runsDocument struct {
	Runs   []runDocument `json:"runs"`
	Memory int64         `json:"peak_memory_bytes"` // of the process
}

// runDocument is a run record, for programs.
type runDocument struct {
	ID             int64                `json:"id"`
	Month          key.Month            `json:"month"`
	Status         port.RunStatus       `json:"status"`
	StartedAt      time.Time            `json:"started_at"`
	FinishedAt     time.Time            `json:"finished_at"`
	Published      int                  `json:"published"`
	Unacknowledged int                  `json:"not_acknowledged"`
	Skipped        int                  `json:"skipped"`
	Left           int                  `json:"left"`
	Unrendered     int                  `json:"not_rendered_yet"`
	Pages          int                  `json:"pages"`
	Decisions      map[billing.Rule]int `json:"decisions"`
	Error          string               `json:"error,omitempty"`
}

func runAnswer(r port.Run) runDocument {
	return runDocument{
		ID: r.ID, Month: r.Month, Status: r.Status, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt, Published: r.Published,
		Unacknowledged: r.Failed, Skipped: r.Skipped, Left: r.Left, Unrendered: r.Unrendered, Pages: r.Pages, Decisions: r.Decisions, Error: r.Error,
	}
}
