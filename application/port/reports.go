package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// MaxReports is how many reports Reports.Store takes at once.
const MaxReports = 1000

// Reports keeps what providers say about delivery keys (R11), append-only. It never changes a ledger row.
type Reports interface {
	// Store keeps reports, each once: by its key, provider and id it is known again. A report that is kept is found by
	// Sweeps.Reported from its commit on. A new one that rejects its channel (report.Rejects) puts the customer on the suppression list in
	// the same transaction, so that neither is without the other; that is audited as Suppressions.Suppress does it (ActOf), and a
	// repetition does not undo a lift. Reports about nothing that is known are kept apart, as far as there is room for them, and counted. Safe to
	// repeat. ErrInvalid if a report cannot be kept (report.Validate) or there are more than MaxReports; nothing is kept then.
	Store(ctx context.Context, reports []report.Report) (StoredReports, error)
	// About returns all reports about targets, sorted by key and the instant at which they were stored.
	About(ctx context.Context, keys []key.Target) ([]report.Report, error)
	// Count counts the reports of a month by their kinds, the deliveries that for certain did not arrive, and the bills that were reported.
	Count(ctx context.Context, month key.Month) (ReportCounts, error)
}

// StoredReports is what became of reports that were to be stored.
type StoredReports struct {
	Known      []KnownReport // in the order in which they came
	Stray      map[Stray]int
	Suppressed int // customers whom new reports put on the suppression list, or for more messages than before
}

// ActOf is the act of putting a customer on the suppression list because of a report: the provider's.
func ActOf(r report.Report) Act {
	said := string(r.Kind)
	if r.Class != "" {
		said += " (" + string(r.Class) + ")"
	}
	if r.Code != "" {
		said += " " + r.Code
	}
	return Act{Actor: "provider " + r.Provider, Reason: said + " about " + r.Key.String()}
}

// Contact is the customer's, by whose address the delivery went.
func (r KnownReport) Contact() Contact {
	return Contact{UserID: key.CustomerID(r.Key.UserID), Channel: r.Channel}
}

// KnownReport is a report about a delivery that the ledger has.
type KnownReport struct {
	report.Report
	New     bool         // false: it was stored before
	Channel channel.Kind // "" where the ledger does not know it: of a revoked key, and of one that a restore left UNKNOWN
	Policy  policy.Ref   // of the delivery
}

// Rejects reports whether the report rules its channel out for the customer beyond this message. Of a channel that is not known it
// cannot.
func (r KnownReport) Rejects() bool { return r.Channel.Valid() && r.Report.Rejects() }

// Stray says why a report is about no delivery that is known.
type Stray string

// Why a report is kept apart.
const (
	StrayKey      Stray = "unknown_key"    // no ledger row has its key
	StrayMonth    Stray = "closed_month"   // nothing of the month changes any more
	StrayProvider Stray = "other_provider" // the delivery was made by another one
)

// Strays lists every reason.
var Strays = []Stray{StrayKey, StrayMonth, StrayProvider}

// ReportCounts counts the reports of a month.
type ReportCounts struct {
	Kinds       map[report.Kind]int
	Undelivered int // deliveries that for certain did not arrive
	Bills       ReportedBills
	Strays      map[Stray]int // that are kept apart
	LastAt      time.Time     // when the newest was stored; zero if there is none
}

// ReportedBills counts the month's SUCCEEDED bills of which something was reported, each once; copies are not among them.
type ReportedBills struct {
	Delivered    int // a delivery of theirs arrived, and nothing contradicts that
	NotDelivered int // of the others: the delivery of their current key for certain did not arrive
}
