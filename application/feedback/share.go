package feedback

import (
	"context"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/channelhalt"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/report"
)

// countShare counts what new reports say for the share of refusals at which a channel is halted, and halts it. It counts final ones
// alone, of providers that report deliveries too: of those that report only what failed, the share would always be all. A report about
// a delivery whose channel is not known counts for none.
func (s *Service) countShare(ctx context.Context, known []port.KnownReport) {
	for _, r := range known {
		if answer, counts := answerOf(r.Report); counts && s.reportsDeliveries(r.Report) && r.New && r.Channel.Valid() {
			s.halts.Answered(ctx, r.Channel, answer)
		}
	}
}

// reportsDeliveries reports whether the provider of a report reports deliveries too. One whose account chooses does once it has.
func (s *Service) reportsDeliveries(r report.Report) bool {
	if slices.Contains(s.ReportDeliveries, r.Provider) {
		return true
	}
	if r.Kind == report.Delivered && slices.Contains(s.ChooseReports, r.Provider) {
		s.delivers.Store(r.Provider, true)
	}
	_, does := s.delivers.Load(r.Provider)
	return does
}

// answerOf is what a final report says of a message; false for any other, and for what was suppressed or refused for its content.
func answerOf(r report.Report) (a channelhalt.Answer, counts bool) {
	if !r.Decides() || r.Class == attempt.Content || r.Class == attempt.Suppressed {
		return a, false
	}
	a = channelhalt.Answer{Provider: r.Provider, Words: strings.TrimSpace(r.Code + " " + r.Detail)}
	switch r.Class {
	case attempt.Permanent, attempt.Provider, attempt.Throttled:
		a.Refused = r.Kind == report.Undelivered
	default: // for now
	}
	return a, true
}
