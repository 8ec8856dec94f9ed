package restorecheck_test

import (
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
)

// The model's runs m_rvhold and m_rcont, from the event log to the operator's word: what was corrected, so that its data are lost, waits
// for a person; what was only under way continues with its route.
func TestAVerdictAfterARestoreSendsNothingOverALostCorrection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.requested(at(1, 0, 1), at(2, 0, 0), at(2, 0, 1), at(3, 0, 0))
	w.result(at(2, 0, 0), attempt.Failed, attempt.Content, attempt.ReasonContent)
	w.apply()
	for user, want := range map[int64]billing.Status{1: billing.Paused, 2: billing.Paused, 3: billing.Failed} {
		if is := w.target(user).Status(); is != billing.Unknown {
			t.Errorf("after the check bill %d is %s, want UNKNOWN", user, is)
		}
		w.clock.Advance(time.Minute)
		_, err := w.operator().Verdict(t.Context(), w.target(user).Key(), false, by)
		w.must(err)
		w.is(user, want, at(user, 1, 0))
		if s := w.target(user).State(); want == billing.Paused && s.Pause != billing.PauseRestored {
			t.Errorf("bill %d is paused because of %q", user, s.Pause)
		}
	}
}
