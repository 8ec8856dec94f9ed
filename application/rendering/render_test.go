package rendering_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func TestABillIsRenderedForEveryChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := int64(10_050)
	b.load(t, good(), bill.Bill{Customer: "C-2", Name: "<b>Bob</b>", Language: "en-US", Currency: "USD", Amount: 2_985, BilledBefore: &before, DueDate: "2026-11-25"})
	if got := b.render(t); got.Rendered != 2 || got.Failed != 0 || got.Packs != 1 || got.Bytes == 0 {
		t.Fatalf("%+v", got)
	}
	korean := b.statement(t, key.Target{Month: november, UserID: 1}).Variants
	for what, c := range map[string]struct{ text, want string }{
		"subject": {korean[channel.Email].Subject, "[한강텔레콤] 2026년 11월 청구서: 12,300원, 납부 기한 11/25"}, "HTML": {korean[channel.Email].HTML, "김하나 고객님"},
		"HTML item": {korean[channel.Email].HTML, "통화"},
		"text":      {korean[channel.Email].Text, "납부 기한: 2026년 11월 25일"}, "SMS": {korean[channel.SMS].Text, "[한강텔레콤] 11월 청구 12,300원, 기한 11/25, 고객번호 C-1"},
		"push": {korean[channel.Push].Title + korean[channel.Push].Text, "2026년 11월 청구서12,300원, 납부 기한 2026년 11월 25일"},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("Korean %s: %q has no %q", what, c.text, c.want)
		}
	}
	if korean[channel.SMS].Class != rendering.ClassSMS {
		t.Errorf("%+v", korean[channel.SMS])
	}
	english := b.statement(t, key.Target{Month: november, UserID: 2}).Variants
	if html := english[channel.Email].HTML; !strings.Contains(html, "&lt;b&gt;Bob&lt;/b&gt;") || !strings.Contains(html, "Billed in earlier months, in all: $100.50") || strings.Contains(html, "<b>Bob") {
		t.Error("English HTML is not as it should be")
	}
	if subject := english[channel.Email].Subject; subject != "Your November 2026 bill: $29.85, due Nov 25" {
		t.Errorf("%q", subject)
	}
}

func TestATextMessageThatIsTooLongBecomesALongOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, of(strings.Repeat("7", 64)))
	b.render(t)
	sms := b.statement(t, key.Target{Month: november, UserID: 1}).Variants[channel.SMS]
	if sms.Class != rendering.ClassLMS || rendering.MessageBytes(sms.Text) <= rendering.MaxSMS || rendering.MessageBytes(sms.Text) > rendering.MaxLMS {
		t.Errorf("%+v", sms)
	}
}

func TestNothingInASubjectEndsItsLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, good())
	sender := "Tel\r\nBcc: all@example.com\u2028co 😀"
	if _, err := b.renderer(b.packs, rendering.Options{Sender: sender}).Render(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	v := b.statement(t, key.Target{Month: november, UserID: 1}).Variants
	for _, line := range []string{v[channel.Email].Subject, v[channel.Push].Title} {
		if strings.ContainsAny(line, "\r\n\u2028\u0085") {
			t.Errorf("%q", line)
		}
	}
	if strings.Contains(v[channel.SMS].Text, "😀") {
		t.Errorf("a text message has a character that no gateway takes: %q", v[channel.SMS].Text)
	}
}

func TestBillsLieInPacksInTheOrderOfDispatch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.customers(t, 1001)
	if got := b.render(t); got.Rendered != 1001 || got.Packs != 2 {
		t.Errorf("%+v", got)
	}
	if packs, puts := b.packs.Count(); packs != 2 || puts != 2 {
		t.Errorf("%d packs, %d puts", packs, puts)
	}
	if got := b.render(t); got != (rendering.Summary{}) {
		t.Errorf("a second run found something: %+v", got)
	}
}

func TestABillThatCannotBeRenderedIsMarkedWithItsReasonAndTheOthersContinue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.customers(t, 5)
	target := key.Target{Month: november, UserID: 77}
	odd := func(data string) []byte {
		sealed, _ := b.cipher.Seal([]byte(data), port.Purpose{Kind: port.KindBillingData, Target: target})
		return sealed
	}
	for name, data := range map[string][]byte{
		"does not authenticate": []byte("this is no ciphertext but it is long enough to be one, so that it must be checked"),
		"is not JSON":           odd("김하나"), "no currency": odd(`{"due_date":"2026-11-25"}`), "no due date": odd(`{"currency":"KRW"}`),
	} {
		if name == "does not authenticate" {
			data[0], data[1], data[2], data[3] = odd("")[0], odd("")[1], odd("")[2], odd("")[3]
		}
		b.store.Seed(memory.Seeded{State: billing.State{Key: target, Batch: billing.Imported, Dispatch: billing.Ready, AvailableAt: opening, Policy: policy.Ref{}}, Data: data})
		got := b.render(t)
		if got.Failed != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if state, _ := b.store.Target(target); state.State().Batch != billing.RenderFailed || state.State().Dispatch != billing.Ready {
			t.Errorf("%s: %+v", name, state.State())
		}
	}
	if state, _ := b.store.Target(key.Target{Month: november, UserID: 5}); state.State().Batch != billing.Rendered {
		t.Errorf("another bill: %+v", state.State())
	}
}

// flaky is a store of packs that is away a few times.
type flaky struct {
	*memory.Packs
	mu    sync.Mutex
	times int
}

func (f *flaky) Put(ctx context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.times--; f.times >= 0 {
		return nil, port.ErrUnavailable
	}
	return f.Packs.Put(ctx, name, entries)
}

func TestRenderingWaitsForThePacksAndSaysSoOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.customers(t, 3)
	done := make(chan rendering.Summary, 1)
	go func() {
		summary, err := b.renderer(&flaky{Packs: b.packs, times: 4}, rendering.Options{}).Render(t.Context(), november)
		if err != nil {
			t.Error(err)
		}
		done <- summary
	}()
	for range 4 {
		if err := b.clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(5 * time.Second) // the longest pause: all of it within a minute
	}
	if got := <-done; got.Rendered != 3 {
		t.Errorf("%+v", got)
	}
	warned := 0
	for _, line := range b.log.Lines() {
		if line.Level == memory.LevelWarn {
			warned++
		}
	}
	if warned != 1 {
		t.Errorf("said %d times that the packs are away", warned)
	}
}

func TestARunThatIsKilledBetweenPackAndMarkIsRepeatedWithoutHarm(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.customers(t, 3)
	killed := errors.New("killed")
	b.store.Fail(func(op string) error {
		if op == "renders.mark" {
			return killed
		}
		return nil
	})
	if _, err := b.renderer(b.packs, rendering.Options{Sender: "한강텔레콤"}).Render(t.Context(), november); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	b.store.Fail(nil)
	if got := b.render(t); got.Rendered != 3 {
		t.Errorf("%+v", got)
	}
	for id := range int64(3) {
		b.statement(t, key.Target{Month: november, UserID: id + 1})
	}
}

func TestTwoRunsBesideEachOtherLeaveEveryReferenceGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.customers(t, 3)
	var met atomic.Bool
	b.store.Fail(func(op string) error {
		if op == "renders.mark" && met.CompareAndSwap(false, true) {
			// The first run has put its pack: the second one overtakes it here.
			if _, err := b.renderer(b.packs, rendering.Options{}).Render(t.Context(), november); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if _, err := b.renderer(b.packs, rendering.Options{}).Render(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	if packs, puts := b.packs.Count(); packs != 2 || puts != 2 {
		t.Errorf("%d packs, %d puts: the runs did not meet", packs, puts)
	}
	for id := range int64(3) {
		b.statement(t, key.Target{Month: november, UserID: id + 1})
	}
}

func BenchmarkRender(b *testing.B) {
	bills := make([]bill.Bill, 1000)
	for i := range bills {
		bills[i] = bill.Bill{
			Customer: fmt.Sprintf("C-%04d", i), Name: "김하나", Language: "en", Currency: "USD", Amount: 2_985, DueDate: "2026-11-25",
			Items: []bill.Item{{Name: "Internet, DSL", Amount: 2_500}, {Name: "Online backup", Amount: 500}, {Name: "Discount", Amount: -15}},
		}
	}
	for b.Loop() {
		b.StopTimer()
		all := setup(b)
		all.load(b, bills...)
		b.StartTimer()
		all.render(b)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/bill")
}

func TestABillThatCannotBeRenderedIsNamedByItsRowAndByNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	templates, err := rendering.LoadTemplates(changed("ko/lms.tmpl", "{{range .Items}}{{.Name}}{{end}}|", "ko/sms.tmpl", strings.Repeat("a", 91)))
	if err != nil {
		t.Fatal(err)
	}
	long := of("C-9")
	long.Items = slices.Repeat([]bill.Item{{Name: strings.Repeat("비밀", 60), Amount: 1}}, 10)
	b.load(t, good(), long)
	var named []rendering.Unrendered
	summary, err := b.renderer(b.packs, rendering.Options{Templates: templates, Reporter: failures{list: &named}}).Render(t.Context(), november)
	if err != nil || summary.Rendered != 1 || summary.Failed != 1 || len(named) != 1 {
		t.Fatalf("%+v, %+v, %v", summary, named, err)
	}
	if u := named[0]; u.Customer != "C-9" || u.Target.UserID != 2 || u.Reason != "render: ko/lms.tmpl makes a text message of 2401 bytes in EUC-KR, more than 2000" {
		t.Errorf("%+v", u)
	}
}

func TestAdvertisingByEmailNeedsAnAddressToUnsubscribe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head, _ := fs.ReadFile(rendering.ShippedFiles(), "sender-identity.json")
	templates, err := rendering.LoadTemplates(changed("sender-identity.json", strings.ReplaceAll(string(head), `"opt_out": ""`, `"opt_out": "무료거부 080-000-0000"`)))
	if err != nil {
		t.Fatal(err)
	}
	third := of("C-3")
	third.Unsubscribe = "https://example.com/u/3"
	b.load(t, good(), of("C-2"), third)
	b.loadFor(t, key.Target{Month: november, UserID: 2}, of("C-2"), channel.NewSet(channel.SMS, channel.Push)) // no e-mail address
	var named []rendering.Unrendered
	o := rendering.Options{Templates: templates, Class: policy.Advertising, Reporter: failures{list: &named}}
	summary, err := b.renderer(b.packs, o).Render(t.Context(), november)
	if err != nil || summary.Rendered != 2 || len(named) != 1 || named[0].Customer != "C-1" || !strings.Contains(named[0].Reason, "unsubscribe_url") {
		t.Fatalf("%+v, %+v, %v", summary, named, err)
	}
	if email := b.statement(t, key.Target{Month: november, UserID: 3}).Variants[channel.Email]; email.Unsubscribe != "https://example.com/u/3" || email.Class != "ADVERTISING" || !strings.HasPrefix(email.Subject, "(광고) ") {
		t.Errorf("%+v", email)
	}
}
