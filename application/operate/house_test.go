package operate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func TestAHaltSaysWhoAndWhyAndIsWrittenDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.operator.LiftHalt(t.Context(), by()); !errors.Is(err, operate.ErrAlready) {
		t.Fatalf("lifting no halt: %v", err)
	}
	if _, err := w.operator.Halt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	second := port.Act{Actor: "lee", Reason: "another"}
	if halt, err := w.operator.Halt(t.Context(), second); !errors.Is(err, operate.ErrAlready) || halt.Actor != "on-call" || halt.Reason != "a test" {
		t.Fatalf("halted a second time, the halt is %+v: %v", halt, err)
	}
	halt, err := w.store.Control().Halted(t.Context())
	if err != nil || !halt.On || halt.Actor != "on-call" || halt.Reason != "a test" || !halt.Since.Equal(w.clock.Now()) {
		t.Fatalf("the halt is %+v: %v", halt, err)
	}
	if _, err := w.operator.LiftHalt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.operator.LiftHalt(t.Context(), second); !errors.Is(err, operate.ErrAlready) {
		t.Fatalf("lifted a second time: %v", err)
	}
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || halt.On {
		t.Fatalf("the halt is %+v: %v", halt, err)
	}
	if notes := w.audited(); len(notes) != 2 || notes[0].Action != "halt" || notes[1].Action != "lift halt" {
		t.Fatalf("the notes are %+v", notes)
	}
}

func TestTheHaltOfAChannelSaysWhoAndWhyAndIsLiftedByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.operator.LiftChannelHalt(t.Context(), channel.SMS, 0, by()); !errors.Is(err, operate.ErrAlready) {
		t.Fatalf("lifting no halt: %v", err)
	}
	if _, err := w.operator.HaltChannel(t.Context(), channel.SMS, by()); err != nil {
		t.Fatal(err)
	}
	second := port.Act{Actor: "lee", Reason: "another"}
	if halt, err := w.operator.HaltChannel(t.Context(), channel.SMS, second); !errors.Is(err, operate.ErrAlready) || halt.Actor != "on-call" || !halt.On {
		t.Fatalf("halted a second time, the halt is %+v: %v", halt, err)
	}
	if _, err := w.operator.Halt(t.Context(), by()); err != nil {
		t.Fatal(err)
	}
	if lifted, err := w.operator.LiftChannelHalt(t.Context(), channel.SMS, 40, by()); err != nil || lifted.On || lifted.Share != 40 {
		t.Fatalf("lifted: %+v, %v", lifted, err)
	}
	if halt, err := w.store.Control().Halted(t.Context()); err != nil || !halt.On {
		t.Fatalf("the halt of everything is lifted with it: %+v, %v", halt, err)
	}
	if _, err := w.operator.LiftChannelHalt(t.Context(), channel.SMS, 101, by()); !errors.Is(err, port.ErrInvalid) {
		t.Fatalf("a share of 101 %%: %v", err)
	}
	if notes := w.audited(); len(notes) != 3 || notes[0].Subject != "channel SMS" || notes[2].Action != "lift halt: until 40% are refused" {
		t.Fatalf("the notes are %+v", notes)
	}
}

func TestAHaltThatFailedIsNotWrittenDownAsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.store.Fail(func(op string) error {
		if op == "control.set_halt" {
			return errors.New("no right")
		}
		return nil
	})
	if _, err := w.operator.Halt(t.Context(), by()); err == nil || len(w.audited()) != 0 {
		t.Fatalf("%v, and the notes are %+v", err, w.audited())
	}
}

func TestASuppressionNamesTheCustomerByNumberAndTheChannel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact := port.Contact{UserID: 4711, Channel: channel.SMS}
	for _, on := range []bool{true, false} {
		change := w.operator.Unsuppress
		if on {
			change = func(ctx context.Context, c port.Contact, by port.Act) error {
				return w.operator.Suppress(ctx, c, policy.ScopeAll, by)
			}
		}
		if err := change(t.Context(), contact, by()); err != nil {
			t.Fatal(err)
		}
		listed, err := w.store.Suppressions().Suppressed(t.Context(), []port.Use{{Contact: contact, Class: policy.Transactional}})
		if err != nil || (len(listed) == 1) != on {
			t.Fatalf("listed %v: %v", listed, err)
		}
	}
	for _, note := range w.audited() {
		if !strings.Contains(note.Subject, "4711") || !strings.Contains(note.Subject, "SMS") {
			t.Fatalf("the note says %q: nobody could tell whom it is about", note.Subject)
		}
	}
}

func TestASuppressionThatIsThereIsNotNarrowedAndNotWrittenDownAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contact := port.Contact{UserID: 4711, Channel: channel.SMS}
	for i, c := range []struct {
		scope policy.Scope // "": lift
		err   error
	}{
		{"", operate.ErrAlready},
		{policy.ScopeAdvertising, nil},
		{policy.ScopeAdvertising, operate.ErrAlready},
		{policy.ScopeAll, nil},
		{policy.ScopeAll, operate.ErrAlready},
		{policy.ScopeAdvertising, billing.ErrRefused},
		{"", nil},
		{"", operate.ErrAlready},
	} {
		do := func() error { return w.operator.Suppress(t.Context(), contact, c.scope, by()) }
		if c.scope == "" {
			do = func() error { return w.operator.Unsuppress(t.Context(), contact, by()) }
		}
		err := do()
		if !errors.Is(err, c.err) || errors.Is(c.err, billing.ErrRefused) && !strings.Contains(err.Error(), "lift it first") {
			t.Errorf("step %d, %q: %v, want %v", i, c.scope, err, c.err)
		}
	}
	if notes := w.audited(); len(notes) != 3 {
		t.Errorf("the notes are %+v", notes)
	}
}

func TestAMonthIsClosedOnceItIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Ready)
	if err := w.operator.CloseMonth(t.Context(), w.key.Month, true, by()); err != nil {
		t.Fatal(err)
	}
	if open, err := w.store.Months().List(t.Context()); err != nil || len(open) != 0 {
		t.Fatalf("open are %v: %v", open, err)
	}
	if err := w.operator.CloseMonth(t.Context(), w.key.Month+5, false, by()); !errors.Is(err, port.ErrNotFound) {
		t.Fatalf("closing a month that was never opened: %v", err)
	}
}

func TestAPolicyIsDraftedAndActivated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	version, err := w.operator.DraftPolicy(t.Context(), spec(), by())
	if err != nil || version.Ref() != (policy.Ref{ID: 1, Version: 2}) || version.Status() != policy.Draft {
		t.Fatalf("drafted %s %s: %v", version.Ref(), version.Status(), err)
	}
	if err := w.operator.ActivatePolicy(t.Context(), version.Ref(), false, by()); err != nil {
		t.Fatal(err)
	}
	versions, err := w.store.Policies().Versions(t.Context())
	if err != nil || len(versions) != 2 || versions[0].Status() != policy.Retired || versions[1].Status() != policy.Active {
		t.Fatalf("the versions are %+v: %v", versions, err)
	}
	if err := w.operator.ActivatePolicy(t.Context(), policy.Ref{ID: 9, Version: 9}, false, by()); !errors.Is(err, port.ErrNotFound) {
		t.Fatalf("activating what is not there: %v", err)
	}
	if _, err := w.operator.DraftPolicy(t.Context(), policy.Spec{}, by()); !errors.Is(err, port.ErrInvalid) {
		t.Fatalf("drafting nonsense: %v", err)
	}
	if notes := w.audited(); len(notes) != 2 {
		t.Fatalf("the notes are %+v", notes)
	}
}

func TestAnActWaitsForTheDatabaseAndIsDoneOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Ready)
	log := &memory.Log{}
	ports := w.ports()
	ports.Log = log
	w.operator = operate.New(ports, callDeadline)
	failures := 1
	w.store.Fail(func(op string) error {
		if op == memory.Done("targets.commit") && failures > 0 {
			failures--
			return port.ErrCommitUnknown
		}
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, err := w.operator.Pause(t.Context(), w.key, by())
		done <- err
	}()
	if err := w.clock.AwaitTimers(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Second)
	err := <-done
	// The first try was committed, so the second finds the bill PAUSED.
	if err != nil {
		t.Fatalf("it came to %v", err)
	}
	w.expect(t, billing.Paused, 0, 0)
	if notes := w.audited(); len(notes) != 1 || !strings.HasPrefix(string(notes[0].Action), "pause") {
		t.Fatalf("the notes are %+v: what may have been done must not be missing", notes)
	}
	if n := len(log.Find("a component is down; waiting for it, nothing is lost")); n != 1 {
		t.Fatalf("told %d times", n)
	}
}

func TestAMonthThatIsNotThroughIsClosedOnlyAnyway(t *testing.T) {
	t.Parallel()
	for status, closes := range map[billing.Status]bool{
		billing.Ready: false, billing.Requested: false, billing.Paused: false, billing.Unknown: false, billing.Succeeded: true, billing.WrittenOff: true,
	} {
		w := newWorld(t)
		w.seedNatural(status)
		err := w.operator.CloseMonth(t.Context(), w.key.Month, false, by())
		if closes != (err == nil) || (!closes && (!errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "1 "+string(status)))) {
			t.Errorf("%s: %v", status, err)
		}
		if err := w.operator.CloseMonth(t.Context(), w.key.Month, true, by()); closes != errors.Is(err, operate.ErrAlready) || !closes && err != nil {
			t.Errorf("%s, anyway: %v", status, err)
		}
		if err := w.operator.CloseMonth(t.Context(), w.key.Month, false, by()); !errors.Is(err, operate.ErrAlready) {
			t.Errorf("%s, once more: %v", status, err)
		}
		notes := w.store.Notes()
		if noted := string(notes[len(notes)-1].Action); closes && noted != "close month" || !closes && noted != "close month: 1 "+string(status) {
			t.Errorf("%s: the closing is noted as %q", status, noted)
		}
	}
}

func TestAMonthWithAnOpenCopyIsNotThrough(t *testing.T) {
	t.Parallel()
	for status, closes := range map[billing.Status]bool{billing.Ready: false, billing.Unknown: false, billing.Succeeded: true, billing.Exhausted: true} {
		w := newWorld(t)
		w.seedNatural(billing.Succeeded)
		bill, _ := w.store.Target(w.key)
		copied := bill.Copy(nil, channel.Email, w.clock.Now()).State()
		copied.Dispatch = status
		err := w.store.Copies().Add(t.Context(), port.NewCopy{State: copied, Destination: port.Destination{Channel: channel.Email}}, func(billing.Target, []billing.Target) error { return nil }, by())
		if err != nil {
			t.Fatal(err)
		}
		err = w.operator.CloseMonth(t.Context(), w.key.Month, false, by())
		if closes != (err == nil) || !closes && (!errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "copies of bills: 1 "+string(status))) {
			t.Errorf("%s: %v", status, err)
		}
	}
}

func TestACopyIsPausedResumedAndCancelledAsABillIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seedNatural(billing.Succeeded)
	bill, _ := w.store.Target(w.key)
	copied := bill.Copy(nil, channel.Email, w.clock.Now())
	err := w.store.Copies().Add(t.Context(), port.NewCopy{State: copied.State(), Destination: port.Destination{Channel: channel.Email}}, func(billing.Target, []billing.Target) error { return nil }, by())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func(ctx context.Context, k key.Target, by port.Act) (billing.Target, error)
		want billing.Status
	}{
		{w.operator.Pause, billing.Paused}, {w.operator.Resume, billing.Ready}, {w.operator.Cancel, billing.Cancelled}, {w.operator.Uncancel, billing.Ready},
	} {
		if target, err := step.do(t.Context(), copied.Key(), by()); err != nil || target.Status() != step.want {
			t.Errorf("it is %s, want %s: %v", target.Status(), step.want, err)
		}
	}
	if after, _ := w.store.Target(w.key); after.State() != bill.State() {
		t.Errorf("the bill is %+v", after.State())
	}
}

func TestAnExportIsWrittenDownBeforeItIsMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.operator.AuditExport(t.Context(), w.key.Month, true, by()); err != nil {
		t.Fatal(err)
	}
	if notes := w.audited(); len(notes) != 1 || !strings.Contains(string(notes[0].Action), "destinations in clear") || notes[0].Subject != "2026-11" {
		t.Fatalf("the notes are %+v", notes)
	}
	if err := w.operator.AuditExport(t.Context(), w.key.Month, false, port.Act{Actor: "kim"}); !errors.Is(err, operate.ErrNoReason) {
		t.Fatalf("without a reason: %v", err)
	}
}

func TestWhoeverApprovedAVersionStandsInItsRecordAndWhoCarriedItOutInTheAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	version, err := w.operator.DraftPolicy(t.Context(), spec(), by())
	if err != nil {
		t.Fatal(err)
	}
	agreed := by()
	agreed.ApprovedBy = "the boss"
	if err := w.operator.ActivatePolicy(t.Context(), version.Ref(), false, agreed); err != nil {
		t.Fatal(err)
	}
	records, err := w.store.Policies().List(t.Context())
	if err != nil || len(records) != 2 || records[1].ApprovedBy.Actor != "the boss" || records[1].CreatedBy.Actor != "on-call" {
		t.Fatalf("the records are %+v: %v", records, err)
	}
	notes := w.audited()
	if last := notes[len(notes)-1]; last.Action != "activate policy" || last.By.Actor != "on-call" || last.By.ApprovedBy != "the boss" {
		t.Fatalf("the note is %+v", last)
	}
}

func TestAPolicyByWhoseDeadlineWaitingBillsWouldExpireIsNotActivatedByMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	draft := func(deadline time.Duration) policy.Ref {
		s := spec()
		s.Deadline = deadline
		version, err := w.operator.DraftPolicy(t.Context(), s, by())
		if err != nil {
			t.Fatal(err)
		}
		return version.Ref()
	}
	short, shorter, long := draft(100*time.Hour), draft(90*time.Hour), draft(1080*time.Hour) // it is 22 November
	if err := w.operator.ActivatePolicy(t.Context(), long, false, by()); err != nil {
		t.Fatalf("no month is open: %v", err)
	}
	w.seedNatural(billing.Ready)
	for deadline, says := range map[time.Duration]string{100 * time.Hour: "1 bill of 2026-11, whose deadline would be 2026-11-05 04:00 UTC", 1080 * time.Hour: ""} { // as policy diff warns
		s := spec()
		s.Deadline = deadline
		expiring, err := w.operator.Expiring(t.Context(), s)
		if err != nil || !strings.Contains(expiring, says) || says == "" && expiring != "" {
			t.Errorf("%s: %q (%v), want %q", deadline, expiring, err, says)
		}
	}
	err := w.operator.ActivatePolicy(t.Context(), short, false, by())
	if !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "1 bill of 2026-11, whose deadline would be 2026-11-05 04:00 UTC") {
		t.Fatalf("a deadline that has passed: %v", err)
	}
	if err := w.operator.ActivatePolicy(t.Context(), short, true, by()); err != nil {
		t.Fatalf("all the same: %v", err)
	}
	if err := w.operator.ActivatePolicy(t.Context(), shorter, false, by()); err != nil {
		t.Fatalf("the bills had passed their deadline before: %v", err)
	}
}
