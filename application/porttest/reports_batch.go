package porttest

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
)

// reportsSuppressBatch says random things about two groups of customers, of the one at once and of the other one report after the other. What is
// on the list afterwards, and what is audited, is the same.
func reportsSuppressBatch(s *stage) {
	const customers, batches, said = 6, 12, 25
	keys := s.accepted(2 * customers * batches)
	ads := spec("ads")
	ads.Class, ads.QuietChannels = policy.Advertising, channel.NewSet(channel.All...)
	advertising := given(s.Policies.Draft(s.ctx, ads, act))(s).Ref()
	for _, k := range keys { // attempt 1 is an advertisement
		claimed := claim(delivery(k, 1, 0), token(1))
		claimed.Facts.PolicyID, claimed.Facts.PolicyVersion = advertising.ID, advertising.Version
		given(s.Ledger.Claim(s.ctx, []attempt.Claim{claimed}))(s)
	}
	for seed := range batches {
		of := func(group int) []key.Target { return keys[(2*seed+group)*customers:][:customers] }
		random := rand.New(rand.NewPCG(uint64(seed), 1))
		var atOnce, oneByOne []report.Report
		for range said {
			customer, change := random.IntN(customers), anyReport(random)
			n := int16(random.IntN(2))
			atOnce = append(atOnce, saidOf(of(0)[customer], n, change))
			oneByOne = append(oneByOne, saidOf(of(1)[customer], n, change))
		}
		changed := s.report(atOnce...).Suppressed
		for _, r := range oneByOne {
			changed -= s.report(r).Suppressed
		}
		if got, want := s.toldOf(of(0)), s.toldOf(of(1)); got != want || changed != 0 {
			s.Errorf("batch %d, at once (%d entries more):\n%s\none after the other:\n%s", seed, changed, got, want)
		}
	}
}

func saidOf(k key.Target, n int16, change func(*report.Report)) report.Report {
	return said(delivery(k, n, 0), change)
}

// anyReport draws what a report says.
func anyReport(random *rand.Rand) func(*report.Report) {
	kind := []report.Kind{report.Delivered, report.Undelivered, report.Undelivered, report.Complained, report.OptedOut}[random.IntN(5)]
	class := []attempt.FailureClass{attempt.Permanent, attempt.Permanent, attempt.Temporary}[random.IntN(3)]
	definitive, id := random.IntN(4) > 0, random.IntN(8)
	return func(r *report.Report) {
		r.Kind, r.Class, r.Definitive, r.ID = kind, "", definitive, fmt.Sprint(id)
		if kind == report.Undelivered {
			r.Class = class
		}
	}
}

// toldOf tells, customer by customer, what is on the suppression list and what is audited about it, without their ids.
func (s *stage) toldOf(keys []key.Target) string {
	s.Helper()
	var told strings.Builder
	for i, k := range keys {
		without := strings.NewReplacer(k.String(), "bill")
		for _, entry := range s.entries(k) {
			fmt.Fprintf(&told, "%d: %s %s %s\n", i, entry.Channel, entry.Scope, without.Replace(entry.Reason))
		}
		subject := port.Contact{UserID: key.CustomerID(k.UserID), Channel: facts().Channel}.Subject()
		for _, act := range given(s.Audit.About(s.ctx, []string{subject}))(s) {
			fmt.Fprintf(&told, "%d: %s by %s: %s\n", i, act.Action, act.By.Actor, without.Replace(act.By.Reason))
		}
	}
	return told.String()
}
