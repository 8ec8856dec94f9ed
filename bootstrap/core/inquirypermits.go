package core

import (
	"math"

	"github.com/balsong/balsong/adapters/permits"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
)

// The questions of a process that are under way at the same time: as many as come in a second, within bounds.
const (
	leastQuestions = 4
	mostQuestions  = 64
)

// InquiryPermits bounds the questions to a provider, by the calls a second that all processes together may make for them. Their budget and
// their circuit breaker are not those of messages.
func InquiryPermits(of Inquirer, rate float64, budgets port.Budgets, clock port.Clock, log port.Log) (port.Permits, error) {
	name := of.Account() + " inquiries"
	asked := of.Provider.Provider
	asked.Rate = rate / float64(max(1, of.InquiryTerms().Calls))
	asked.InFlight = min(max(leastQuestions, int(math.Ceil(asked.Rate))), mostQuestions)
	return permits.New(permits.Config{
		Provider: asked, Budget: name, Budgets: budgets, Changed: reportUnanswered(of.Account(), log),
		Slowed: reportSlowed(asked, log), Failed: reportFailed(name, &outage.Failures{}, clock, log),
	})
}

// reportUnanswered logs whether a provider answers questions.
func reportUnanswered(provider string, log port.Log) func(permits.Change) {
	return func(c permits.Change) {
		if !c.Open {
			log.Info("a provider answers again what became of messages", port.Field{Key: "provider", Value: provider})
			return
		}
		log.Warn("a provider is not asked what became of messages before one question has tested it; nothing is lost",
			port.Field{Key: "provider", Value: provider}, port.Field{Key: "said", Value: c.Words}, port.Field{Key: "test_at", Value: c.Until.UTC()})
	}
}
