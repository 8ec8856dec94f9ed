package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/billing"
)

// Summary is the result of a demo. The counts of States and Rejected add up to Rows.
type Summary struct {
	Rows     int            `json:"rows"`
	Rejected int            `json:"rejected"`
	States   map[string]int `json:"states"`
	Accepted int            `json:"gateway_accepted"`
	Seconds  float64        `json:"seconds"`
}

// Line is the summary as one line for programs.
func (s Summary) Line() string {
	body, err := json.Marshal(s)
	if err != nil {
		return "DEMO_SUMMARY {}" // unreachable: numbers and strings only
	}
	return "DEMO_SUMMARY " + string(body)
}

func summarize(f port.Funnel, accepted int, took time.Duration) Summary {
	s := Summary{
		Rows: f.Imported + f.Rejected, Rejected: f.Rejected, States: map[string]int{},
		Accepted: accepted, Seconds: float64(took.Round(10*time.Millisecond)) / float64(time.Second),
	}
	for status, n := range f.Dispatch {
		if n > 0 {
			s.States[string(status)] = n
		}
	}
	return s
}

// meaning explains each status to somebody who sees it for the first time.
var meaning = map[billing.Status]string{
	billing.Ready:      "not dispatched yet",
	billing.Requested:  "on its way to the gateway",
	billing.Failed:     "refused for now: its next attempt waits for its time",
	billing.Paused:     "held back; its reason is kept",
	billing.Unknown:    "a call may have been accepted and no answer came: held, never sent blindly again",
	billing.Succeeded:  "accepted by the gateway",
	billing.Exhausted:  "every step of the route was refused",
	billing.Expired:    "the deadline passed",
	billing.Cancelled:  "cancelled",
	billing.WrittenOff: "closed by an operator, outcome unknown",
}

func printReport(out io.Writer, s Summary, f port.Funnel) {
	fmt.Fprintf(out, "\n  %s statements of %s\n", thousands(s.Rows), f.Month)
	for _, status := range billing.Statuses {
		if n := f.Dispatch[status]; n > 0 {
			fmt.Fprintf(out, "  %9s  %-11s %s\n", thousands(n), status, meaning[status])
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(f.Paused)) {
		fmt.Fprintf(out, "             of the PAUSED, %s: %s\n", thousands(f.Paused[reason]), reason)
	}
	if s.Rejected > 0 {
		fmt.Fprintf(out, "  %9s  rejected    refused at the import\n", thousands(s.Rejected))
	}
	fmt.Fprintf(out, "  %9s  accepted    by the gateway's own log\n\n", thousands(s.Accepted))
	if unknown, more := f.Dispatch[billing.Unknown], s.Accepted-f.Dispatch[billing.Succeeded]; unknown > 0 {
		fmt.Fprintf(out, "  Of the %s UNKNOWN the gateway's log shows %s as accepted. Nobody but the gateway can know: an operator says\n"+
			"  whether each was delivered (`balsong target delivered`, `not-delivered`, `send-anyway`, `write-off`).\n\n",
			thousands(unknown), thousands(max(more, 0)))
	}
}

// thousands writes 7043 as 7,043.
func thousands(n int) string { return progress.Thousands(n) }
