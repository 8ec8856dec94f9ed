package operatorcmd

import (
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/cost"
	"github.com/balsong/balsong/domain/report"
)

func TestAMonthShowsEachBillInOneLineAndWhatWasReported(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	month := answer.MonthStatus{
		Month: 2026*12 + 10, Open: true, Imported: 7043, Rendered: 7043, Asking: 2,
		Dispatch: map[billing.Status]int{billing.Succeeded: 7000, billing.Unknown: 3, billing.Exhausted: 40},
		Reports: answer.ReportStatus{
			Delivered: 6800, NotDelivered: 20, NotReported: 180, Undelivered: 250, LastAt: at,
			Kinds: map[report.Kind]int{report.Delivered: 6800, report.Undelivered: 250, report.OptedOut: 1}, KeptApart: map[port.Stray]int{port.StrayKey: 4},
		},
		Costs: []answer.CostStatus{
			{Provider: "email/smtp", Messages: 7000},
			{Provider: "sms/twilio", Unknown: true, Messages: 3, Units: 6, Unit: cost.Segment, Amount: new(cost.Amount(49_800)), Currency: "USD"},
		},
	}
	var shown strings.Builder
	printMonth(&shown, month, at)
	want := `
2026-11 (open)
        7,043  imported
        7,043  rendered
            3  UNKNOWN
            2    of them: the provider is asked
        7,000  SUCCEEDED
        6,800    of them: reported as delivered
           20    of them: reported as not delivered
          180    of them: not reported
           40  EXHAUSTED
               reports: 6,800 DELIVERED, 250 UNDELIVERED, 1 OPTED_OUT, the last at 2026-11-22 03:00:00 UTC
               reports kept apart: 4 unknown_key
               cost: email/smtp, 7000 messages: not known
               cost: sms/twilio, 6 segments, 3 messages: USD 0.0498, if accepted (UNKNOWN)
`
	if shown.String() != want {
		t.Errorf("it shows\n%s, want\n%s", shown.String(), want)
	}
	month.Reports, month.Asking = answer.ReportStatus{NotReported: 7000}, 0
	shown.Reset()
	printMonth(&shown, month, at)
	if strings.Contains(shown.String(), "of them") || strings.Contains(shown.String(), "report") {
		t.Errorf("without reports it shows\n%s", shown.String())
	}
}
