package answer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/story"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const november = key.Month(2026*12 + 10)

// world is a month in memory and somebody who answers.
type world struct {
	*testing.T
	clock  *memory.Clock
	store  *memory.Store
	cipher port.Cipher
	ports  answer.Ports
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	s := memory.NewStore(clock)
	w := &world{T: t, clock: clock, store: s, cipher: memory.NewCipher()}
	w.ports = answer.Ports{
		Report: s.Report(), SealedBills: s.SealedBills(), Audit: s.Audit(), Runs: s.Runs(), Suppressions: s.Suppressions(), Months: s.Months(),
		Control: s.Control(), ChannelHalts: s.ChannelHalts(), Policies: s.Policies(), Backlog: s.Backlog(), Copies: s.Copies(), Sweeps: s.Sweeps(), Installation: s.Installation(), Budgets: s.Budgets(),
		Reports: s.Reports(), Inquiries: s.Inquiries(), TemplateSets: s.TemplateSets(), Clock: clock, Cipher: w.cipher,
	}
	w.must(s.Months().Open(t.Context(), november))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// bills imports n bills and puts them into a status.
func (w *world) bills(n int, status billing.Status) {
	w.Helper()
	bills := make([]port.ImportedBill, n)
	for i := range bills {
		bills[i] = port.ImportedBill{
			Customer: fmt.Sprint("C-", i), State: billing.New(key.Target{Month: november}, w.clock.Now()).State(),
			Data:         fmt.Appendf(nil, `{"customer_number":"C-%d","name":"Kim","language":"ko","currency":"KRW","amount":%d,"due_date":"2026-11-25"}`, i, i),
			Destinations: map[channel.Kind]string{channel.Email: "kim@example.com"}, Fingerprint: [32]byte{byte(i), byte(i >> 8)}, File: "bills.csv", Line: i + 2,
		}
	}
	_, err := w.store.Imports().Store(w.Context(), november, bills, w.cipher.Seal)
	w.must(err)
	var keys []key.Target
	for _, b := range bills {
		target, _, err := w.ports.Report.Find(w.Context(), november, b.Customer)
		w.must(err)
		keys = append(keys, target.Key())
	}
	w.must(w.store.Targets().Within(w.Context(), func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, keys)
		for i, t := range targets {
			state := t.State()
			state.Dispatch = status
			if targets[i], err = billing.Restore(state); err != nil {
				return err
			}
		}
		return errors.Join(err, tx.Save(ctx, targets))
	}))
}

func (w *world) status(months ...key.Month) answer.Status {
	w.Helper()
	s, err := answer.New(w.ports).Status(w.Context(), months, 3)
	w.must(err)
	return s
}

func TestTheStatusSaysWhatStopsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.store.Control().SetHalt(t.Context(), true, port.Act{Actor: "lee", Reason: "wrong amounts", At: w.clock.Now()}))
	s := w.status()
	if !s.Halted || s.Halt.Actor != "lee" || s.Policy != "" || !strings.Contains(s.Next[0], "balsong resume") || !strings.Contains(s.Next[1], "No policy is ACTIVE") {
		t.Fatalf("the status is %+v", s)
	}
}

func TestTheStatusSaysWhichChannelsAreHaltedAndWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := port.Act{Actor: "balsong/delivery", Reason: "104 of the last 431 answers: http 104 of 431", At: w.clock.Now()}
	w.must(w.store.ChannelHalts().Set(t.Context(), channel.SMS, true, 0, by))
	w.must(w.store.ChannelHalts().Set(t.Context(), channel.Email, true, 0, by))
	w.must(w.store.ChannelHalts().Set(t.Context(), channel.Email, false, 0, by))
	s := w.status()
	if len(s.HaltedChannels) != 1 || s.HaltedChannels[0].Channel != channel.SMS || s.HaltedChannels[0].Reason != by.Reason || s.HaltedChannels[0].Actor != by.Actor || s.Halted {
		t.Fatalf("halted are %+v", s.HaltedChannels)
	}
	if !strings.Contains(s.Next[0], "balsong resume --channel sms") {
		t.Errorf("what to do next is %q", s.Next)
	}
}

func TestTheStatusSaysHowFarDeliveryIsBehindOrWhyNobodyKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if s := w.status(); s.Lag != nil || s.LagProblem == "" {
		t.Errorf("nobody can be asked: %+v", s)
	}
	w.ports.Delivery = func(context.Context) (answer.Delivery, error) { return answer.Delivery{}, port.ErrUnavailable }
	if s := w.status(); s.Lag != nil || s.LagProblem != port.ErrUnavailable.Error() {
		t.Errorf("the event log is away: %+v", s)
	}
	w.ports.Delivery = func(context.Context) (answer.Delivery, error) { return answer.Delivery{Behind: 7}, nil }
	if s := w.status(); s.Lag == nil || *s.Lag != 7 || s.LagProblem != "" || !strings.Contains(strings.Join(s.Next, " "), "start the service `delivery`") {
		t.Errorf("seven wait: %+v", s)
	}
}

func TestTheStatusSaysHowManyCallsASecondAProviderMayHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if s := w.status(); len(s.Providers) != 0 {
		t.Errorf("none was called: %+v", s.Providers)
	}
	for _, provider := range []string{"sms", "smtp"} {
		if _, err := w.store.Budgets().Reserve(t.Context(), provider, 100, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, slowed, err := w.store.Budgets().Slow(t.Context(), "sms"); err != nil || !slowed {
		t.Fatal(slowed, err)
	}
	s := w.status()
	if len(s.Providers) != 2 || !s.Providers[0].Slowed() || s.Providers[0].Rate != 70 || s.Providers[0].SlowedAt.IsZero() || s.Providers[1].Slowed() || s.Providers[1].Rate != 100 {
		t.Errorf("sms throttled: %+v", s.Providers)
	}
}

func TestTheStatusSaysWhichProviderRefusesEverythingInItsOwnWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.Delivery = func(context.Context) (answer.Delivery, error) { return answer.Delivery{Behind: 7, Consumers: 1}, nil }
	w.ports.Report = refusing{w.ports.Report}
	s := w.status()
	next := strings.Join(s.Next, " ")
	if len(s.Months) != 1 || len(s.Months[0].Refusing) != 2 ||
		!strings.Contains(next, `the provider email/smtp refuses every message because of the sender (16 put back within the hour). It said: "554 5.7.1 Sending suspended". Nothing is sent through it`) ||
		!strings.Contains(next, `the provider sms/http asks to wait (3 put back within the hour). It said: "429 rate limit"`) {
		t.Errorf("got %+v", s)
	}
	if strings.Contains(next, "Requests wait in the event log") {
		t.Error("delivery is blamed for what the provider does")
	}
}

// refusing is a report of providers that refuse.
type refusing struct{ port.Report }

func (refusing) Refusing(context.Context, key.Month) ([]port.ProviderRefusal, error) {
	return []port.ProviderRefusal{
		{Provider: "sms/http", Class: attempt.Throttled, Said: "429 rate limit", Refused: 3},
		{Provider: "email/smtp", Class: attempt.Provider, Said: "554 5.7.1 Sending suspended", Refused: 16},
	}, nil
}

// A month that was closed too early is not forgotten.
func TestAClosedMonthIsShownWhileItsBillsHaveNotComeToAnEnd(t *testing.T) {
	t.Parallel()
	by := port.Act{Actor: "kim", Reason: "a test"}
	for name, c := range map[string]struct {
		status billing.Status
		left   string
		shown  bool
	}{
		"forced, with bills that are due":  {billing.Ready, "2 READY", true},
		"forced, with bills that are held": {billing.Paused, "2 PAUSED", true},
		"forced, and all has ended since":  {billing.Succeeded, "2 READY", false},
		"all had ended":                    {billing.Succeeded, "", false},
		"a bill was opened since":          {billing.Requested, "", true},
	} {
		w := newWorld(t)
		w.bills(2, c.status)
		w.must(w.store.Months().Open(t.Context(), november+1))
		w.must(w.store.Months().Close(t.Context(), november, "", by))
		w.must(w.store.Months().Reopen(t.Context(), november, by))
		w.must(w.store.Months().Close(t.Context(), november, c.left, by))
		s := w.status()
		if shown := len(s.Months) == 2 && s.Months[0].Month == november && !s.Months[0].Open; shown != c.shown {
			t.Errorf("%s: shown is %v, want %v: %+v", name, shown, c.shown, s.Months)
		}
		if told := strings.Contains(strings.Join(s.Next, " "), "No month is open"); told {
			t.Errorf("%s: the open month is forgotten: %q", name, s.Next)
		}
		w.must(w.store.Months().Close(t.Context(), november+1, "", by))
		if s := w.status(); !strings.Contains(strings.Join(s.Next, " "), "No month is open") {
			t.Errorf("%s: no month is open, and it is not said: %q", name, s.Next)
		}
	}
}

func TestAClosedMonthIsShownWhereItIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.store.Months().Close(t.Context(), november, "", port.Act{Actor: "kim", Reason: "a test"}))
	if s := w.status(); len(s.Months) != 0 {
		t.Errorf("open are %+v", s.Months)
	}
	if s := w.status(november); len(s.Months) != 1 || s.Months[0].Open {
		t.Errorf("named are %+v", s.Months)
	}
}

func TestAMonthThatIsThroughAsksForThePaperRunAndItsClosing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(2, billing.Succeeded)
	if s := w.status(); s.Months[0].Waiting() != 0 || !strings.Contains(strings.Join(s.Next, " "), "month close --month 2026-11") {
		t.Errorf("the advice is %q", s.Next)
	}
}

// lines counts the rows of an export and notes the largest write.
type lines struct{ rows, largest int }

func (l *lines) Write(p []byte) (int, error) {
	l.rows += strings.Count(string(p), "\n")
	l.largest = max(l.largest, len(p))
	return len(p), nil
}

func TestAnExportGoesThroughTheMonthPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(2500, billing.Exhausted)
	var told []int
	var out lines
	s, err := answer.New(w.ports).Unreached(t.Context(), november, &out, answer.UnreachedOptions{Progress: func(n int) { told = append(told, n) }})
	if err != nil || s.Written != 2500 || out.rows != 2501 || fmt.Sprint(told) != "[1000 2000 2500]" || out.largest > 64<<10 {
		t.Fatalf("%+v, %d rows, told %v, writes of %d bytes: %v", s, out.rows, told, out.largest, err)
	}
}

func TestAnExportIsAsItWasAfterASpreadsheetHasOpenedIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "00300002", "1-11", "C-1")
	var out strings.Builder
	_, err := answer.New(w.ports).Unreached(t.Context(), november, &out, answer.UnreachedOptions{OnTheWay: true})
	if text := out.String(); err != nil || !strings.HasPrefix(text, "\ufeffcustomer_number,") || !strings.Contains(text, "\n'00300002,") || !strings.Contains(text, "\n'1-11,") || !strings.Contains(text, "\nC-1,") {
		t.Errorf("%v\n%s", err, text)
	}
}

// damaged opens nothing of a customer's data.
type damaged struct{ port.Cipher }

func (d damaged) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	if purpose.Kind == port.KindBillingData && purpose.Target.UserID == 1 {
		return nil, port.ErrContent
	}
	return d.Cipher.Open(sealed, purpose)
}

func TestNobodyIsLeftOutOfAnExportBecauseOfDamage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(2, billing.Exhausted)
	w.ports.Cipher = damaged{w.cipher}
	var out strings.Builder
	if s, err := answer.New(w.ports).Unreached(t.Context(), november, &out, answer.UnreachedOptions{}); err != nil || s.Written != 2 || !strings.Contains(out.String(), "cannot be opened") {
		t.Fatalf("%+v: %v\n%s", s, err, out.String())
	}
	w.ports.Cipher = memory.NewCipher()
	if _, err := answer.New(w.ports).Unreached(t.Context(), november, &out, answer.UnreachedOptions{}); !errors.Is(err, port.ErrUnknownKey) {
		t.Fatalf("with another keyset: %v", err)
	}
}

func TestWithoutKeysNothingIsExportedAndStoriesHaveNoDestinations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(1, billing.Ready)
	w.ports.Cipher = nil
	if _, err := answer.New(w.ports).Unreached(t.Context(), november, io.Discard, answer.UnreachedOptions{}); !errors.Is(err, answer.ErrNoKeys) {
		t.Errorf("the export: %v", err)
	}
	if _, err := answer.New(w.ports).Why(t.Context(), november, "\u00a0Ｃ-\u200b０"); err != nil {
		t.Errorf("with invisible characters and in another width: %v", err)
	}
	s, err := answer.New(w.ports).Why(t.Context(), november, "C-0")
	w.must(err)
	if s.Next.WaitsFor != story.ForBatch || strings.Contains(fmt.Sprint(s), "@") {
		t.Errorf("the story is %+v", s)
	}
	w.ports.Cipher = memory.NewCipher() // a keyset that lacks the key
	if s, err = answer.New(w.ports).Why(t.Context(), november, "C-0"); err != nil || strings.Contains(fmt.Sprint(s), "@") {
		t.Errorf("with another keyset: %+v, %v", s, err)
	}
}

func TestAStoryIsToldWithoutTheRecordOfItsRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := key.Target{Month: november, UserID: 1}
	w.bills(1, billing.Ready)
	w.must(w.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		targets, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		state := targets[0].State()
		state.Dispatch, state.RunID, state.Policy = billing.Requested, 99, policy.Ref{ID: 1, Version: 1}
		if targets[0], err = billing.Restore(state); err != nil {
			return err
		}
		return tx.Save(ctx, targets)
	}))
	if s, err := answer.New(w.ports).Why(t.Context(), november, "C-0"); err != nil || s.Dispatch != billing.Requested {
		t.Fatalf("%+v: %v", s, err)
	}
}

func TestTheStatusSaysThatADeadlineHasPassedWhileBillsAreLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	version, err := w.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, Route: policy.Route{{Channel: channel.Email, Tries: 1}}, Deadline: 20 * 24 * time.Hour,
	}, port.Act{Actor: "lee", Reason: "first"})
	w.must(err)
	w.must(w.store.Policies().Activate(t.Context(), version.Ref(), port.Act{Actor: "lee", Reason: "first"}))
	w.bills(2, billing.Ready)
	s := w.status()
	if !strings.Contains(s.Months[0].PastDeadline, "passed on 2026-11-21 00:00 UTC") || s.Zone != "UTC" || !strings.Contains(strings.Join(s.Next, " "), "2 bills expire") {
		t.Errorf("a day after the deadline: %+v", s)
	}
	w.clock.Set(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	if s := w.status(); s.Months[0].PastDeadline != "" || strings.Contains(strings.Join(s.Next, " "), "expire") {
		t.Errorf("a day before it: %+v", s)
	}
}
