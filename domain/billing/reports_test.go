package billing_test

import (
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/report"
	"pgregory.net/rapid"
)

// reported is a target on the route EMAIL, EMAIL, SMS with its ledger rows and the reports about them. Each step is a change of one of
// these, and look is what settlement does after it.
type reported struct {
	fails
	v       policy.Version
	target  billing.Target
	rows    []attempt.Row
	reports []report.Report
}

func newReported(t fails, follows policy.Undelivered, state billing.State) *reported {
	t.Helper()
	v := emailEmailSMS(t, func(s *policy.Spec) {
		s.Undelivered = map[channel.Kind]policy.Undelivered{channel.Email: follows, channel.SMS: follows}
	})
	state.Key, state.Policy, state.Batch = user, v.Ref(), billing.Rendered
	return &reported{fails: t, v: v, target: restored(t, state)}
}

// requested is one whose attempt 0 is under way.
func requested(t fails) *reported {
	return newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Requested})
}

// set stores the row of an attempt and round.
func (r *reported) set(n, round int16, state attempt.State, change ...func(*attempt.Row)) *reported {
	k := key.Delivery{Month: user.Month, UserID: user.UserID, Attempt: n, Round: round}
	row := row(r.target, r.v, state)
	row.Key = k
	for _, c := range change {
		c(&row)
	}
	r.rows = append(slices.DeleteFunc(slices.Clone(r.rows), func(x attempt.Row) bool { return x.Key == k }), row)
	return r
}

// say stores a report about an attempt and round: "" stands for DELIVERED, a class for a definitive UNDELIVERED.
func (r *reported) say(n, round int16, class attempt.FailureClass, change ...func(*report.Report)) *reported {
	said := about(n, round, class)
	for _, c := range change {
		c(&said)
	}
	r.reports = append(r.reports, said)
	return r
}

func about(n, round int16, class attempt.FailureClass) report.Report {
	said := report.Report{
		Key:      key.Delivery{Month: user.Month, UserID: user.UserID, Attempt: n, Round: round},
		Provider: "twilio", ID: "D", Kind: report.Delivered, StoredAt: monday.Add(time.Hour),
	}
	if class != "" {
		said.ID, said.Kind, said.Class, said.Definitive = "U "+string(class), report.Undelivered, class, true
	}
	return said
}

// look settles the target.
func (r *reported) look() *reported {
	r.Helper()
	rows, err := r.target.Effective(r.rows, r.reports, only(r.v))
	if err != nil {
		r.Fatalf("effective rows: %v", err)
	}
	_, after := settle(r.fails, &r.target, rows, r.v)
	if len(after) > len(rows) {
		r.rows = append(r.rows, after[len(rows):]...)
	}
	return r
}

// is compares status and key, and looks once more, which must change nothing.
func (r *reported) is(status billing.Status, n, round int16) *reported {
	r.Helper()
	for again := range 2 {
		s := r.target.State()
		if s.Dispatch != status || s.Attempt != n || s.Round != round {
			r.Fatalf("look %d: it is %s at %d/%d, want %s at %d/%d; rows %+v, reports %+v", again+1, s.Dispatch, s.Attempt, s.Round, status, n, round, r.rows, r.reports)
		}
		r.look()
	}
	return r
}

// m_sucfinal
func TestAnUndeliveredMessageLeavesSucceededForTheNextStepOfItsRoute(t *testing.T) {
	t.Parallel()
	r := requested(t).set(0, 0, attempt.Succeeded).look().is(billing.Succeeded, 0, 0)
	r.say(0, 0, attempt.Temporary).look().is(billing.Failed, 1, 0)
	if s := r.target.State(); s.Step != 1 || !s.AvailableAt.Equal(monday.Add(time.Hour)) {
		t.Errorf("the next step goes out at once: %+v", s)
	}
	hard := requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Permanent).look().is(billing.Failed, 1, 0)
	if s := hard.target.State(); s.Step != 2 {
		t.Errorf("a hard bounce goes to the next other channel: %+v", s)
	}
	last := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Requested, Attempt: 2, Step: 2})
	last.set(2, 0, attempt.Succeeded).look().say(2, 0, attempt.Permanent).look().is(billing.Exhausted, 2, 0)
	requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Content).look().is(billing.Paused, 0, 0)
}

// m_repfail
func TestAReportBeforeTheAnswerDecidesAsOneAfterIt(t *testing.T) {
	t.Parallel()
	r := requested(t).set(0, 0, attempt.Claimed).say(0, 0, attempt.Permanent).look().is(billing.Requested, 0, 0)
	r.set(0, 0, attempt.Succeeded).look().is(billing.Failed, 1, 0)
}

// w_contradict
func TestDeliveredAfterUndeliveredChangesNothing(t *testing.T) {
	t.Parallel()
	requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Permanent).look().is(billing.Failed, 1, 0).say(0, 0, "").look().is(billing.Failed, 1, 0)
	requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, "").look().is(billing.Succeeded, 0, 0).say(0, 0, attempt.Permanent).look().is(billing.Failed, 1, 0)
}

// u_atonce
func TestAReportWaitsForTheOutcomeOfItsClaim(t *testing.T) {
	t.Parallel()
	for class, want := range map[attempt.FailureClass]billing.Status{"": billing.Succeeded, attempt.Temporary: billing.Failed} {
		n := int16(0)
		if class != "" {
			n = 1
		}
		r := requested(t).set(0, 0, attempt.Claimed).say(0, 0, class).look().is(billing.Requested, 0, 0)
		r.set(0, 0, attempt.Unknown).look().is(want, n, 0)
	}
}

// w_delivered
func TestAReportEndsAnUnknown(t *testing.T) {
	t.Parallel()
	requested(t).set(0, 0, attempt.Unknown).look().is(billing.Unknown, 0, 0).say(0, 0, "").look().is(billing.Succeeded, 0, 0)
	requested(t).set(0, 0, attempt.Unknown).look().is(billing.Unknown, 0, 0).say(0, 0, attempt.Permanent).look().is(billing.Failed, 1, 0)
	requested(t).set(0, 0, attempt.Unknown).look().is(billing.Unknown, 0, 0).say(0, 0, attempt.Provider).look().is(billing.Ready, 0, 1)
}

// m_reptgt
func TestAReportIsAboutItsKeyAndNoOther(t *testing.T) {
	t.Parallel()
	r := requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Temporary).look().is(billing.Failed, 1, 0)
	r.set(1, 0, attempt.Unknown).look().is(billing.Unknown, 1, 0).say(0, 0, "").look().is(billing.Unknown, 1, 0)
}

// m_plainrep, m_plaindeliv, m_plainours
func TestAKeyThatMayBeTakenBackIsNotSettledAsAPlainSuccess(t *testing.T) {
	t.Parallel()
	notFinal := func(r *report.Report) { r.Definitive = false }
	for name, c := range map[string]struct {
		said  *reported
		plain bool
	}{
		"nothing is said":                   {requested(t), true},
		"another key was not delivered":     {requested(t).say(0, 1, attempt.Permanent), true},
		"delivered":                         {requested(t).say(0, 0, ""), true},
		"not delivered so far":              {requested(t).say(0, 0, attempt.Temporary, notFinal), true},
		"not delivered so far, delivered":   {requested(t).say(0, 0, attempt.Temporary, notFinal).say(0, 0, ""), true},
		"not delivered":                     {requested(t).say(0, 0, attempt.Permanent), false},
		"not delivered, because of us":      {requested(t).say(0, 0, attempt.Provider), false},
		"not delivered, because of content": {requested(t).say(0, 0, attempt.Content), false},
		"delivered, not delivered":          {requested(t).say(0, 0, "").say(0, 0, attempt.Permanent), false},
		"not delivered, delivered":          {requested(t).say(0, 0, attempt.Provider).say(0, 0, ""), false},
	} {
		r := c.said.set(0, 0, attempt.Succeeded)
		if plain := r.target.SucceedsPlainly(r.rows[0], r.reports); plain != c.plain {
			t.Errorf("%s: it succeeds plainly: %t, want %t", name, plain, c.plain)
		}
	}
}

// What is settled as a plain success is what the look with all reports makes of it, whatever they are.
func TestAPlainSuccessIsWhatTheLookWithAllReportsMakesOfIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := requested(t).set(0, 0, attempt.Succeeded)
		for range rapid.IntRange(0, 4).Draw(t, "reports") {
			said := about(0, rapid.SampledFrom([]int16{0, 0, 0, 1}).Draw(t, "round"),
				rapid.SampledFrom([]attempt.FailureClass{"", attempt.Permanent, attempt.Temporary, attempt.Provider, attempt.Content}).Draw(t, "class"))
			said.Definitive = rapid.Bool().Draw(t, "definitive")
			if said.Class == "" {
				said.Kind = rapid.SampledFrom([]report.Kind{report.Delivered, report.Complained, report.OptedOut}).Draw(t, "kind")
			}
			r.reports = append(r.reports, said)
		}
		plain := r.target.SucceedsPlainly(r.rows[0], r.reports)
		want := r.target.State()
		want.Dispatch = billing.Succeeded
		if got := r.look().target.State(); plain != (got == want) {
			t.Fatalf("it succeeds plainly: %t, and is %+v with %+v", plain, got, r.reports)
		}
	})
}

// m_wishgone
func TestAPendingEndOutlivesTheAcceptance(t *testing.T) {
	t.Parallel()
	for _, class := range []attempt.FailureClass{attempt.Permanent, attempt.Provider, attempt.Content} { // m_ourwish
		r := requested(t).set(0, 0, attempt.Claimed).look()
		r.target.KeepEnd(billing.Cancelled)
		r.set(0, 0, attempt.Succeeded).look().is(billing.Succeeded, 0, 0).say(0, 0, class).look().is(billing.Cancelled, 0, 0)
		if end := r.target.State().PendingEnd; end != "" {
			t.Errorf("it still waits to become %s", end)
		}
	}
}

// m_endgone
func TestAnEndThatWasReachedComesBackWhenTheAcceptanceIsTakenBack(t *testing.T) {
	t.Parallel()
	r := requested(t).set(0, 0, attempt.Unknown).look()
	if err := r.target.WriteOff(); err != nil {
		t.Fatal(err)
	}
	r.say(0, 0, "").look().is(billing.Succeeded, 0, 0)
	stored := restored(t, r.target.State())
	if stored.State().PendingEnd != billing.WrittenOff {
		t.Fatalf("a store gives back %+v", stored.State())
	}
	r.say(0, 0, attempt.Permanent).look().is(billing.WrittenOff, 0, 0)
	for _, end := range []billing.Status{billing.Expired, billing.Exhausted, billing.Cancelled} {
		r := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: end})
		r.set(0, 0, attempt.Failed, func(row *attempt.Row) { row.Class = attempt.Temporary })
		r.say(0, 0, "").look().is(billing.Succeeded, 0, 0).say(0, 0, attempt.Permanent).look().is(end, 0, 0)
	}
}

// m_cancgone
func TestACancelledBillIsNotSentWhenALateSuccessIsTakenBack(t *testing.T) {
	t.Parallel()
	resend := func(row *attempt.Row) { row.Unknown = attempt.Resend }
	r := requested(t).set(0, 0, attempt.Unknown, resend).look().is(billing.Failed, 1, 0)
	r.set(1, 0, attempt.Revoked)
	if err := r.target.End(billing.Cancelled); err != nil {
		t.Fatal(err)
	}
	r.say(0, 0, "").look().is(billing.Succeeded, 1, 0).say(0, 0, attempt.Permanent).look().is(billing.Cancelled, 1, 0)
}

// m_revlate
func TestALateSuccessThatIsTakenBackTakesTheNextRound(t *testing.T) {
	t.Parallel()
	resend := func(row *attempt.Row) { row.Unknown = attempt.Resend }
	r := requested(t).set(0, 0, attempt.Unknown, resend).look().is(billing.Failed, 1, 0)
	r.set(0, 0, attempt.Succeeded).look().is(billing.Succeeded, 1, 0)
	if last := attempt.RowOf(r.rows, r.target.Delivery()); last == nil || last.State != attempt.Revoked {
		t.Fatalf("the newer key was not revoked: %+v", r.rows)
	}
	ours := *r
	r.say(0, 0, attempt.Permanent).look().is(billing.Ready, 1, 1)
	ours.say(0, 0, attempt.Provider).look().is(billing.Ready, 1, 1) // and not 0/1: attempts only grow
}

// w_undelcanc
func TestAnEndStaysWhenItsMessageWasNotDelivered(t *testing.T) {
	t.Parallel()
	for _, end := range []billing.Status{billing.Cancelled, billing.WrittenOff, billing.Expired, billing.Exhausted} {
		for _, class := range []attempt.FailureClass{attempt.Permanent, attempt.Provider, attempt.Content} {
			newReported(t, policy.UndeliveredNext, billing.State{Dispatch: end}).set(0, 0, attempt.Unknown).say(0, 0, class).look().is(end, 0, 0)
		}
		newReported(t, policy.UndeliveredNext, billing.State{Dispatch: end}).set(0, 0, attempt.Unknown).say(0, 0, "").look().is(billing.Succeeded, 0, 0)
	}
}

// u_note, and every policy version from before there were reports.
func TestAPolicyThatNotesKeepsSucceeded(t *testing.T) {
	t.Parallel()
	for _, class := range []attempt.FailureClass{attempt.Permanent, attempt.Provider, attempt.Content} {
		accepted := newReported(t, policy.UndeliveredNote, billing.State{Dispatch: billing.Requested}).set(0, 0, attempt.Succeeded)
		accepted.look().say(0, 0, class).look().is(billing.Succeeded, 0, 0)
		unknown := newReported(t, policy.UndeliveredNote, billing.State{Dispatch: billing.Requested}).set(0, 0, attempt.Unknown)
		unknown.look().say(0, 0, class).look().is(billing.Succeeded, 0, 0)
	}
	older := emailEmailSMS(t, nil)
	if follows := older.UndeliveredFor(channel.Email); follows != policy.UndeliveredNote {
		t.Errorf("a policy that says nothing: %s", follows)
	}
}

func TestWhatIsNotForCertainChangesNoState(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*report.Report){
		func(r *report.Report) { r.Definitive = false },
		func(r *report.Report) { r.Kind, r.Class = report.Complained, "" },
		func(r *report.Report) { r.Kind, r.Class = report.OptedOut, "" },
	} {
		requested(t).set(0, 0, attempt.Succeeded).look().say(0, 0, attempt.Permanent, change).look().is(billing.Succeeded, 0, 0)
		requested(t).set(0, 0, attempt.Unknown).look().say(0, 0, attempt.Permanent, change).look().is(billing.Unknown, 0, 0)
	}
}

func TestSucceededWithoutAReportIsNeverLeft(t *testing.T) {
	t.Parallel()
	newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Succeeded}).set(0, 0, attempt.Failed).look().is(billing.Succeeded, 0, 0)
}

// m_rhold: what a report lets continue waits for a person, too, where a correction may be lost.
func TestNoReportContinuesOverACorrectionThatMayBeLost(t *testing.T) {
	t.Parallel()
	lost := func(row *attempt.Row) { row.Reason, row.ChangedAt = attempt.ReasonRestored, monday }
	for _, class := range []attempt.FailureClass{attempt.Permanent, attempt.Provider} {
		r := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Paused, Pause: billing.PauseRestored, Round: 1})
		r.set(0, 0, attempt.Unknown, lost).set(0, 1, attempt.Unknown, lost).look().is(billing.Unknown, 0, 1).say(0, 1, class).look()
		if s := r.target.State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored {
			t.Errorf("%s: %+v", class, s)
		}
		told := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Unknown, Round: 1})
		told.set(0, 0, attempt.Unknown, lost).say(0, 0, attempt.Permanent).set(0, 1, attempt.Unknown).say(0, 1, class).look()
		if s := told.target.State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored {
			t.Errorf("%s, and a report about the key below, which says nothing of a correction: %+v", class, s)
		}
		late := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Succeeded, Round: 1})
		late.set(0, 0, attempt.Unknown, lost).set(0, 1, attempt.Succeeded).say(0, 1, class).look()
		if s := late.target.State(); s.Dispatch != billing.Paused || s.Pause != billing.PauseRestored {
			t.Errorf("%s, of what was SUCCEEDED: %+v", class, s)
		}
	}
}

// m_rsucc
func TestARestoredSuccessTakesTheHighestKeyToo(t *testing.T) {
	t.Parallel()
	r := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Succeeded}).set(0, 0, attempt.Succeeded).set(1, 0, attempt.Failed, func(row *attempt.Row) { row.Class = attempt.Temporary })
	if found, err := r.target.RecoverKey(r.rows); err != nil || !found.Moved {
		t.Fatalf("%+v, %v", found, err)
	}
	r.look().is(billing.Succeeded, 1, 0).say(0, 0, attempt.Temporary).look()
	if s := r.target.State(); s.Dispatch != billing.Failed || s.Attempt != 2 {
		t.Errorf("the report, when it comes again, lets it continue behind what was sent: %+v", s)
	}
}

// m_repfail, I5: whatever the order, and however often each comes.
func TestTheOrderOfReportsAndOutcomesDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		outcome := rapid.SampledFrom([]attempt.State{attempt.Succeeded, attempt.Unknown}).Draw(t, "outcome")
		class := rapid.SampledFrom([]attempt.FailureClass{attempt.Permanent, attempt.Temporary, attempt.Content, attempt.Provider}).Draw(t, "class")
		follows := rapid.SampledFrom([]policy.Undelivered{policy.UndeliveredNote, policy.UndeliveredNext}).Draw(t, "undelivered")
		steps := map[string]func(*reported){
			"outcome":   func(r *reported) { r.set(0, 0, outcome) },
			"delivered": func(r *reported) { r.say(0, 0, "") }, "undelivered": func(r *reported) { r.say(0, 0, class) },
		}
		said := rapid.SampledFrom([][]string{{"delivered"}, {"undelivered"}, {"delivered", "undelivered"}}).Draw(t, "said")
		run := func(label string) billing.State {
			order := append([]string{"outcome"}, said...)
			for range rapid.IntRange(0, 3).Draw(t, label+" repeated") {
				order = append(order, rapid.SampledFrom(said).Draw(t, label+" again"))
			}
			r := newReported(t, follows, billing.State{Dispatch: billing.Requested}).set(0, 0, attempt.Claimed)
			for _, step := range rapid.Permutation(order).Draw(t, label) {
				steps[step](r)
				r.look()
			}
			return r.target.State()
		}
		one, other := run("one"), run("other")
		one.AvailableAt, other.AvailableAt, one.LastError, other.LastError = time.Time{}, time.Time{}, "", ""
		if one != other {
			t.Fatalf("%+v\nagainst\n%+v", one, other)
		}
	})
}

// I5 for every status: a second look at the same rows and reports changes nothing.
func TestASecondLookAtReportsChangesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := newReported(t, policy.UndeliveredNext, billing.State{Dispatch: billing.Requested})
		r.target = drawTarget(t, r.v)
		r.rows = drawLedger(t, r.target, r.v)
		for range rapid.IntRange(1, 3).Draw(t, "reports") {
			row := rapid.SampledFrom(append(r.rows, attempt.Row{Key: r.target.Delivery()})).Draw(t, "about")
			r.say(row.Key.Attempt, row.Key.Round, rapid.SampledFrom([]attempt.FailureClass{
				"", attempt.Permanent, attempt.Temporary, attempt.Content, attempt.Provider,
			}).Draw(t, "class"))
		}
		once := r.look().target.State()
		if twice := r.look().target.State(); twice != once {
			t.Fatalf("%+v\nbecame\n%+v", once, twice)
		}
	})
}
