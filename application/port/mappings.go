package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/key"
)

// MonthMapping is a mapping with which files of a month were imported.
type MonthMapping struct {
	Fingerprint [32]byte // SHA-256 of what it says
	Name        string   // of its file, without folders
	Text        string   // as its author wrote it
	AddedAt     time.Time
}

// Mappings keeps the mappings with which the files of each month were imported.
type Mappings interface {
	// Add keeps a mapping of a month. One that the month has already, by its fingerprint, stays as it is.
	Add(ctx context.Context, month key.Month, m MonthMapping) error
	// Of returns the mappings of a month, the first one that was added first. One whose imports had no bills, or were all
	// taken back, bill by bill, does not count.
	Of(ctx context.Context, month key.Month) ([]MonthMapping, error)
}
