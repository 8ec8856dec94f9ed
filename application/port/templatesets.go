package port

import (
	"context"
	"fmt"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// TemplateSet is a set of templates and the sender identity that they show, as bills of a month were rendered with it.
type TemplateSet struct {
	Number      int16             // within the month, from 1; its bills have it
	Fingerprint [32]byte          // SHA-256 of what it says
	Name        string            // of its directory
	Files       map[string]string // by their names within the set; whoever loads templates bounds them
	AddedAt     time.Time
	Gone        bool // every import before it was taken back, and no bill of the month is rendered: it binds nothing
}

// String names a set for people: "words (3f2a9c1b)".
func (s TemplateSet) String() string { return fmt.Sprintf("%s (%x)", s.Name, s.Fingerprint[:4]) }

// Binding are the sets of a month by which its next bills go: without those at the end that are gone.
func Binding(sets []TemplateSet) []TemplateSet {
	for len(sets) > 0 && sets[len(sets)-1].Gone {
		sets = sets[:len(sets)-1]
	}
	return sets
}

// TemplateSets keeps the sets with which the bills of each month were rendered.
type TemplateSets interface {
	// Add keeps a set of a month under its number, with audit entries in the same transaction. It reports false where the month
	// has a set of that number already: then nothing is kept or audited.
	Add(ctx context.Context, month key.Month, set TemplateSet, entries ...AuditEntry) (added bool, err error)
	// Of returns the sets of a month in the order of their numbers.
	Of(ctx context.Context, month key.Month) ([]TemplateSet, error)
}
