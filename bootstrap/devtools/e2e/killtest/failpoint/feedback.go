package failpoint

import (
	"context"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Reports watches what feedback stores: it strikes between the commit and the answer to whoever reported.
func (t *Trap) Reports(reports port.Reports) port.Reports { return watchedReports{reports, t} }

type watchedReports struct {
	port.Reports
	trap *Trap
}

func (w watchedReports) Store(ctx context.Context, reports []report.Report) (port.StoredReports, error) {
	stored, err := w.Reports.Store(ctx, reports)
	if err == nil {
		keys := make([]string, len(stored.Known))
		for i, r := range stored.Known {
			keys[i] = r.Key.String()
		}
		w.trap.visit(StoredUnanswered, keys)
	}
	return stored, err
}

// Inquirers watches the providers that are asked: it strikes between a provider's answer and what is stored of it. They are asked
// after so short a settling time.
func (t *Trap) Inquirers(from core.Informants, settling time.Duration) core.Informants {
	from.Inquirers = slices.Clone(from.Inquirers)
	for i, asked := range from.Inquirers {
		from.Inquirers[i].Inquirer = watchedInquirer{asked.Inquirer, t, settling}
	}
	return from
}

type watchedInquirer struct {
	port.Inquirer
	trap     *Trap
	settling time.Duration
}

func (w watchedInquirer) InquiryTerms() port.InquiryTerms {
	terms := w.Inquirer.InquiryTerms()
	terms.Settling = w.settling
	return terms
}

func (w watchedInquirer) Inquire(ctx context.Context, about key.Delivery, called time.Time) (port.Finding, error) {
	found, err := w.Inquirer.Inquire(ctx, about, called)
	if err == nil && found.Found != port.FoundNothing {
		w.trap.visit(FoundUnstored, []string{about.String()})
	}
	return found, err
}

// ShortHold lets what a killed process had taken be asked about again soon.
func ShortHold(inquiries port.Inquiries, hold time.Duration) port.Inquiries {
	return shortHold{inquiries, hold}
}

type shortHold struct {
	port.Inquiries
	hold time.Duration
}

func (s shortHold) Due(ctx context.Context, month key.Month, of port.Lane, _ time.Duration, limit int) (int, []port.Inquiry, error) {
	return s.Inquiries.Due(ctx, month, of, s.hold, limit)
}
