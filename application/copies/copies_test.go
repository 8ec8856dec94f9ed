package copies_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/copies"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/operate"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

const november = key.Month(2026*12 + 10)

var (
	by    = port.Act{Actor: "kim", Reason: "did not find the e-mail"}
	words = map[channel.Kind]port.Variant{
		channel.Email: {Subject: "Your bill", HTML: "<p>12,300\r\n</p>", Text: "12,300\n"},
		channel.SMS:   {Text: "청구 12,300원", Class: "SMS"},
		channel.Push:  {Title: "Bill", Text: "12,300"},
	}
)

// world is a month in memory with one bill that was accepted by e-mail, of a customer who also has a telephone.
type world struct {
	*testing.T
	clock  *memory.Clock
	store  *memory.Store
	packs  *memory.Packs
	cipher port.Cipher
	bill   key.Target
}

func newWorld(t *testing.T) *world {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	w := &world{T: t, clock: clock, store: memory.NewStore(clock), packs: memory.NewPacks(), cipher: memory.NewCipher(), bill: key.Target{Month: november, UserID: 1}}
	w.must(w.store.Months().Open(t.Context(), november))
	imported := port.ImportedBill{
		Customer: "C-1", State: billing.New(key.Target{Month: november}, clock.Now()).State(), Data: []byte(`{"customer_number":"C-1"}`),
		Destinations: map[channel.Kind]string{channel.Email: "kim@example.com", channel.SMS: "010-1234-5678"}, File: "bills.csv", Line: 2,
	}
	imported.State.Reachable = channel.NewSet(channel.Email, channel.SMS)
	_, err := w.store.Imports().Store(t.Context(), november, []port.ImportedBill{imported}, w.cipher.Seal)
	w.must(err)
	entry, err := statement.Seal(port.Statement{Target: w.bill, Variants: words}, w.cipher)
	w.must(err)
	refs, err := w.packs.Put(t.Context(), "2026-11/000001-abc", [][]byte{entry})
	w.must(err)
	sealed, err := statement.SealReference(refs[0], w.bill, w.cipher)
	w.must(err)
	_, err = w.store.Renders().Mark(t.Context(), []port.RenderedBill{{Target: w.bill, Version: 1, Statement: sealed}}, 0, clock.Now())
	w.must(err)
	claim := attempt.Claim{Key: key.Delivery{Month: november, UserID: 1}, Facts: attempt.Facts{Channel: channel.Email}, Provider: "smtp", Token: attempt.Token{1}, Lease: time.Minute}
	_, err = w.store.Ledger().Claim(t.Context(), []attempt.Claim{claim})
	w.must(err)
	_, err = w.store.Ledger().Record(t.Context(), []attempt.Outcome{{Key: claim.Key, State: attempt.Succeeded, Token: claim.Token, FinishedAt: clock.Now()}})
	w.must(err)
	w.becomes(w.bill, billing.Succeeded)
	drafted, err := w.store.Policies().Draft(t.Context(), policy.Spec{
		Name: "monthly", Zone: time.UTC, MaxRounds: 1, Route: policy.Route{{Channel: channel.Email, Tries: 2}, {Channel: channel.SMS, Tries: 1}},
	}, by)
	w.must(err)
	w.must(w.store.Policies().Activate(t.Context(), drafted.Ref(), by))
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// becomes puts a target into a status.
func (w *world) becomes(k key.Target, status billing.Status) {
	w.Helper()
	w.must(w.store.Targets().Within(w.Context(), func(ctx context.Context, tx port.TargetTx) error {
		locked, err := tx.Lock(ctx, []key.Target{k})
		if err != nil {
			return err
		}
		state := locked[0].State()
		state.Dispatch = status
		target, err := billing.Restore(state)
		return errors.Join(err, tx.Save(ctx, []billing.Target{target}))
	}))
}

// asks asks for a copy.
func (w *world) asks(change func(r *copies.Request)) (copies.Made, error) {
	w.Helper()
	target, rows, err := w.store.Report().Find(w.Context(), november, "C-1")
	w.must(err)
	r := copies.Request{Bill: target, Rows: rows, By: by}
	if change != nil {
		change(&r)
	}
	return copies.New(copies.Ports{
		Copies: w.store.Copies(), SealedBills: w.store.SealedBills(), Months: w.store.Months(), Policies: w.store.Policies(), Packs: w.packs, Cipher: w.cipher,
		Clock: w.clock, Log: &memory.Log{},
	}).Make(w.Context(), r)
}

func (w *world) copies() []port.CopyRecord {
	w.Helper()
	list, err := w.store.Copies().List(w.Context(), port.CopyFilter{Month: november, Limit: 100})
	w.must(err)
	return list
}

func TestACopyHasTheWordsThatWentOutByteForByteUnderItsOwnKeyToAnotherAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before, err := w.store.SealedBills().Sealed(t.Context(), w.bill)
	w.must(err)
	made, err := w.asks(func(r *copies.Request) { r.To = "park@example.com" })
	if err != nil || made.Key != w.bill.Copy(1) || made.Number != 1 || made.Channel != channel.Email || made.To != "p***@example.com" || made.Decision.Kind() != billing.Dispatch {
		t.Fatalf("%+v, %v", made, err)
	}
	sealed, err := w.store.SealedBills().Sealed(t.Context(), made.Key)
	w.must(err)
	stored, _, err := statement.Fetch(t.Context(), sealed.Statement, made.Key, w.packs, w.cipher)
	if err != nil || len(stored.Variants) != 1 || stored.Variants[channel.Email] != words[channel.Email] {
		t.Errorf("the copy says %+v, %v", stored, err)
	}
	if len(sealed.Destinations) != 1 || sealed.Destinations[0].Channel != channel.Email {
		t.Fatalf("it goes to %+v", sealed.Destinations)
	}
	to, err := w.cipher.Open(sealed.Destinations[0].Sealed, port.Purpose{Kind: port.KindDestination, Target: made.Key, Channel: channel.Email})
	if err != nil || string(to) != "park@example.com" {
		t.Errorf("it goes to %s, %v", to, err)
	}
	if data, err := w.cipher.Open(sealed.Data, port.Purpose{Kind: port.KindBillingData, Target: made.Key}); err != nil || string(data) != `{"customer_number":"C-1"}` {
		t.Errorf("its data are %s, %v", data, err)
	}
	if after, err := w.store.SealedBills().Sealed(t.Context(), w.bill); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the bill changed: %v", err)
	}
	entries, err := w.store.Audit().About(t.Context(), []string{w.bill.String()})
	if err != nil || len(entries) != 1 || entries[0].Action != port.ActionCopy.With("1, by EMAIL") || entries[0].By.Reason != by.Reason || strings.Contains(fmt.Sprint(entries), "park") {
		t.Errorf("the audit has %+v, %v", entries, err)
	}
}

func TestACopyGoesByTheChannelThatIsAskedForToTheBillsOwnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.asks(func(r *copies.Request) { r.Channel = channel.SMS })
	if err != nil || made.Channel != channel.SMS || made.To != channel.Mask("010-1234-5678") {
		t.Fatalf("%+v, %v", made, err)
	}
	if list := w.copies(); len(list) != 1 || list[0].Channel() != channel.SMS || list[0].Customer != "C-1" {
		t.Errorf("%+v", list)
	}
}

func TestAnotherCopyIsMadeOnceTheOneBeforeHasComeToAnEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.asks(nil)
	w.must(err)
	if _, err := w.asks(nil); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "copy 1 is READY") {
		t.Errorf("while the first one waits: %v", err)
	}
	w.becomes(first.Key, billing.Succeeded)
	if second, err := w.asks(nil); err != nil || second.Number != 2 {
		t.Errorf("after it was sent: %+v, %v", second, err)
	}
}

func TestACopyThatCannotGoOutIsRefusedWithWhatToDoInstead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		given func(w *world)
		asked func(r *copies.Request)
		err   error
		told  string
	}{
		"not accepted":           {func(w *world) { w.becomes(w.bill, billing.Paused) }, nil, billing.ErrRefused, "target resume"},
		"a closed month":         {func(w *world) { w.must(w.store.Months().Close(w.Context(), november, "", by)) }, nil, billing.ErrRefused, "balsong month reopen --month 2026-11"},
		"without a reason":       {nil, func(r *copies.Request) { r.By.Reason = " " }, operate.ErrNoReason, ""},
		"off the route":          {nil, func(r *copies.Request) { r.Channel, r.To = channel.Push, "token" }, billing.ErrRefused, "sends nothing by PUSH"},
		"without an address":     {func(w *world) { w.route(channel.Push) }, func(r *copies.Request) { r.Channel = channel.Push }, billing.ErrRefused, "--to-file"},
		"no try names a channel": {nil, func(r *copies.Request) { r.Rows = nil }, billing.ErrRefused, "--channel"},
		"suppressed": {func(w *world) {
			w.must(w.store.Suppressions().Suppress(w.Context(), policy.ScopeAll, []port.Contact{{UserID: 1, Channel: channel.Email}}, by))
		}, nil, billing.ErrRefused, "suppress --lift"},
		"the object is gone": {func(w *world) { _, err := w.packs.Remove(w.Context(), "2026-11/", nil); w.must(err) }, nil, port.ErrContent, "balsong statement"},
	} {
		w := newWorld(t)
		if c.given != nil {
			c.given(w)
		}
		_, err := w.asks(c.asked)
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.told) {
			t.Errorf("%s: %v, want %v with %q", name, err, c.err, c.told)
		}
		if list := w.copies(); len(list) > 0 {
			t.Errorf("%s: %d copies were made", name, len(list))
		}
	}
}

// route makes a policy of one channel ACTIVE.
func (w *world) route(kind channel.Kind) {
	w.Helper()
	drafted, err := w.store.Policies().Draft(w.Context(), policy.Spec{Name: string(kind), Zone: time.UTC, MaxRounds: 1, Route: policy.Route{{Channel: kind, Tries: 1}}}, by)
	w.must(err)
	w.must(w.store.Policies().Activate(w.Context(), drafted.Ref(), by))
}

func TestACopyWhoseCommitWasNotAnsweredIsFoundAndNotMadeAgain(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"copies.commit", memory.Done("copies.commit")} {
		w := newWorld(t)
		var once sync.Once
		w.store.Fail(func(at string) (err error) {
			if at == op {
				once.Do(func() { err = port.ErrCommitUnknown })
			}
			return err
		})
		made, err := w.asks(nil)
		if list := w.copies(); err != nil || made.Number != 1 || len(list) != 1 {
			t.Errorf("%s was not answered: %+v, %d copies: %v", op, made, len(list), err)
		}
	}
}

func TestOfManyWhoAskAtOnceOneGetsACopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wait sync.WaitGroup
	failures := make(chan error, 8)
	for range cap(failures) {
		wait.Go(func() {
			_, err := w.asks(nil)
			failures <- err
		})
	}
	wait.Wait()
	close(failures)
	made := 0
	for err := range failures {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "its copy 1 is READY"):
			t.Errorf("another one failed with %v", err)
		}
	}
	if list := w.copies(); made != 1 || len(list) != 1 {
		t.Errorf("%d were made, %d are there", made, len(list))
	}
}
