package inquire

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// decision is what an answer leads to: a verdict about the row, a report, or another question later.
type decision struct {
	outcome *attempt.Outcome
	report  *report.Report
	again   time.Duration // 0: never
}

// Bounds of the pauses between two inquiries about one row.
const (
	firstPause   = time.Minute
	longestPause = 6 * time.Hour
)

// pause is how long to wait after so many inquiries: it doubles.
func pause(asks int) time.Duration {
	return min(longestPause, firstPause<<min(asks, 10))
}

// decide says what a provider's answer means (R12). Found accepted, or refused: a verdict. Found delivered, or not: a report (R11).
// Not found: nothing, unless the provider documents its list as complete; then, for the target's current key, a refusal.
func decide(lane port.Lane, terms port.InquiryTerms, q port.Inquiry, found port.Finding, now time.Time) decision {
	verdict := attempt.Outcome{
		Key: q.Key, Reason: attempt.ReasonInquiry, Provider: lane.Provider, ProviderMessageID: found.MessageID,
		Detail: found.Detail, FinishedAt: now, Verdict: true,
	}
	switch found.Found {
	case port.FoundAccepted:
		verdict.State = attempt.Succeeded
		return decision{outcome: &verdict}
	case port.FoundRefused:
		verdict.State, verdict.Class = attempt.Failed, found.Class
		return decision{outcome: &verdict}
	case port.FoundDelivered, port.FoundUndelivered:
		return decision{report: reported(lane, q, found)}
	case port.FoundNothing:
		if terms.Complete && q.Current {
			verdict.State, verdict.Class = attempt.Failed, attempt.Temporary
			return decision{outcome: &verdict}
		}
	default: // no answer
	}
	wait := pause(q.Asks)
	if now.Add(wait).After(q.Called.Add(terms.Window)) {
		return decision{} // it would be forgotten by then
	}
	return decision{again: wait}
}

// reported is a finding as a report. Its id is what it says, so that the same answer is stored once.
func reported(lane port.Lane, q port.Inquiry, found port.Finding) *report.Report {
	r := &report.Report{
		Key: q.Key, Provider: lane.Provider, Kind: report.Delivered, Definitive: true,
		MessageID: found.MessageID, Code: found.Code, Detail: found.Detail, SaidAt: found.SaidAt,
	}
	if found.Found == port.FoundUndelivered {
		r.Kind, r.Class = report.Undelivered, found.Class
	}
	sum := sha256.Sum256([]byte(string(r.Kind) + "\x00" + string(r.Class) + "\x00" + found.MessageID + "\x00" + found.Code))
	r.ID = "inquiry-" + hex.EncodeToString(sum[:16])
	return r
}
