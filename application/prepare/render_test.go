package prepare_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/prepare"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

func (b *bundle) renderer(packs port.Packs, o prepare.RenderOptions) *prepare.Renderer {
	return prepare.NewRenderer(b.store.Renders(), packs, b.cipher, b.clock, b.watch, o)
}

func (b *bundle) render(t testing.TB) prepare.RenderSummary {
	t.Helper()
	summary, err := b.renderer(b.packs, prepare.RenderOptions{Sender: "한강텔레콤"}).Render(t.Context(), november)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// statement goes the way that Delivery goes: from the candidate's sealed reference to the variants.
func (b *bundle) statement(t testing.TB, target key.Target) port.Statement {
	t.Helper()
	var sealed []byte
	err := b.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		page, err := tx.LockPage(ctx, port.Page{Month: target.Month, PassNow: opening.AddDate(1, 0, 0), Limit: 1000})
		for _, candidate := range page {
			if candidate.Target.Key() == target {
				sealed = candidate.Statement
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := prepare.OpenReference(sealed, target, b.cipher)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := b.packs.Get(t.Context(), ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	statement, err := prepare.OpenStatement(entry, target, b.cipher)
	if err != nil {
		t.Fatal(err)
	}
	return statement
}

func (b *bundle) customers(t testing.TB, n int) {
	t.Helper()
	rows := make([]map[string]string, n)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%04d", i))
	}
	b.load(t, file(rows...), options())
}

func TestABillIsRenderedForEveryChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good(), with("customer_number", "C-2", "language", "en-US", "currency", "USD", "amount", "29.85", "items", "", "billed_before", "100.5", "name", "<b>Bob</b>")), options())
	if got := b.render(t); got.Rendered != 2 || got.Failed != 0 || got.Packs != 1 || got.Bytes == 0 {
		t.Fatalf("%+v", got)
	}
	korean := b.statement(t, key.Target{Month: november, UserID: 1}).Variants
	for what, c := range map[string]struct{ text, want string }{
		"subject": {korean[channel.Email].Subject, "[한강텔레콤] 2026년 11월 청구서: 12,300원, 납부 기한 11/25"}, "HTML": {korean[channel.Email].HTML, "김하나 고객님"},
		"HTML item": {korean[channel.Email].HTML, "통화"}, "first bill": {korean[channel.Email].HTML, "고객님의 첫 청구서입니다."},
		"text": {korean[channel.Email].Text, "납부 기한: 2026년 11월 25일"}, "SMS": {korean[channel.SMS].Text, "[한강텔레콤] 11월 청구 12,300원, 기한 11/25, 고객번호 C-1"},
		"push": {korean[channel.Push].Title + korean[channel.Push].Text, "2026년 11월 청구서12,300원, 납부 기한 2026년 11월 25일"},
	} {
		if !strings.Contains(c.text, c.want) {
			t.Errorf("Korean %s: %q has no %q", what, c.text, c.want)
		}
	}
	if korean[channel.SMS].Class != prepare.ClassSMS {
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
	b.load(t, file(with("customer_number", strings.Repeat("7", 64))), options())
	b.render(t)
	sms := b.statement(t, key.Target{Month: november, UserID: 1}).Variants[channel.SMS]
	if sms.Class != prepare.ClassLMS || prepare.MessageBytes(sms.Text) <= prepare.MaxSMS || prepare.MessageBytes(sms.Text) > prepare.MaxLMS {
		t.Errorf("%+v", sms)
	}
}

func TestNothingInASubjectEndsItsLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(good()), options())
	sender := "Tel\r\nBcc: all@example.com\u2028co 😀"
	if _, err := b.renderer(b.packs, prepare.RenderOptions{Sender: sender}).Render(t.Context(), november); err != nil {
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
	if got := b.render(t); got != (prepare.RenderSummary{}) {
		t.Errorf("a second run found something: %+v", got)
	}
}

func TestABillThatCannotBeRenderedIsMarkedWithItsReasonAndTheOthersGoOn(t *testing.T) {
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
	done := make(chan prepare.RenderSummary, 1)
	go func() {
		summary, err := b.renderer(&flaky{Packs: b.packs, times: 4}, prepare.RenderOptions{}).Render(t.Context(), november)
		if err != nil {
			t.Error(err)
		}
		done <- summary
	}()
	for range 4 {
		if err := b.clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Minute)
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
	if _, err := b.renderer(b.packs, prepare.RenderOptions{}).Render(t.Context(), november); !errors.Is(err, killed) {
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
			if _, err := b.renderer(b.packs, prepare.RenderOptions{}).Render(t.Context(), november); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if _, err := b.renderer(b.packs, prepare.RenderOptions{}).Render(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	if packs, puts := b.packs.Count(); packs != 2 || puts != 2 {
		t.Errorf("%d packs, %d puts: the runs did not meet", packs, puts)
	}
	for id := range int64(3) {
		b.statement(t, key.Target{Month: november, UserID: id + 1})
	}
}

func TestOnlyTheTargetsOwnStatementOpens(t *testing.T) {
	t.Parallel()
	cipher := memory.NewCipher()
	own, other := key.Target{Month: november, UserID: 1}, key.Target{Month: november, UserID: 2}
	seal := func(plain []byte) []byte {
		sealed, _ := cipher.Seal(plain, port.Purpose{Kind: port.KindStatement, Target: own})
		return sealed
	}
	statement := port.Statement{Target: own, Variants: map[channel.Kind]port.Variant{channel.SMS: {Text: "<청구>", Class: prepare.ClassSMS}}}
	good, err := prepare.SealStatement(statement, cipher)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := prepare.OpenStatement(good, own, cipher); err != nil || got.Variants[channel.SMS].Text != "<청구>" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := prepare.OpenStatement(good, other, cipher); !errors.Is(err, port.ErrContent) {
		t.Errorf("another target's: %v", err)
	}
	if _, err := prepare.OpenStatement(good, own, memory.NewCipher()); !errors.Is(err, port.ErrUnknownKey) {
		t.Errorf("another key: %v", err)
	}
	const head = "\x01\x82\xbe\x01\x01" // the version, November 2026, customer 1
	message := func(channel string, html, text int) string {
		return fmt.Sprintf("%c%s\x03SMS\x00\x00\x00%c%c", len(channel), channel, html, text)
	}
	if _, err := prepare.OpenStatement(seal(packed(head+"\x01"+message("SMS", 0, 2)+"ab")), own, cipher); err != nil {
		t.Errorf("one framed by hand: %v", err)
	}
	for name, plain := range map[string][]byte{
		"not compressed": []byte(head + "\x00"), "another version": packed("\x02\x82\xbe\x01\x01\x00"), "empty": packed(""),
		"compressed and cut": packed(head + "\x01" + message("SMS", 0, 2) + "ab")[:8],
		"another owner":      packed("\x01\x82\xbe\x01\x02\x00"),
		"nobody's":           packed("\x01\x82\xbe\x01\x00\x00"),
		"an unknown channel": packed(head + "\x01" + message("FAX", 0, 1) + "a"),
		"a channel twice":    packed(head + "\x02" + message("SMS", 0, 1) + message("SMS", 0, 1) + "ab"),
		"too short":          packed(head + "\x01" + message("SMS", 0, 3) + "ab"),
		"too long":           packed(head + "\x01" + message("SMS", 0, 1) + "ab"),
		"too many":           packed(head + "\x7f" + message("SMS", 0, 1) + "ab"),
		"a bomb":             packed(head + "\x00" + strings.Repeat("0", 2<<20)),
	} {
		if _, err := prepare.OpenStatement(seal(plain), own, cipher); !errors.Is(err, port.ErrContent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := port.Statement{Target: own, Variants: map[channel.Kind]port.Variant{
		channel.Email: {Subject: "청구서", HTML: "<p>\n청구</p>", Text: "청구\n"},
		channel.SMS:   {Text: "청구", Class: prepare.ClassLMS}, channel.Push: {Title: "청구", Text: "bill"},
	}}
	sealed, err := prepare.SealStatement(whole, cipher)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := prepare.OpenStatement(sealed, own, cipher); err != nil || !reflect.DeepEqual(got, whole) {
		t.Errorf("%+v came back as %+v, %v", whole, got, err)
	}
	if got, err := prepare.OpenStatement(sealed, own, cipher, channel.SMS); err != nil || len(got.Variants) != 1 || got.Variants[channel.SMS] != whole.Variants[channel.SMS] {
		t.Errorf("the text message alone came back as %+v, %v", got, err)
	}
	long := statement
	long.Variants = map[channel.Kind]port.Variant{channel.Email: {HTML: strings.Repeat("x", 1<<20)}}
	if _, err := prepare.SealStatement(long, cipher); !errors.Is(err, port.ErrContent) {
		t.Errorf("a statement that could not be opened was sealed: %v", err)
	}
}

func BenchmarkRender(b *testing.B) {
	rows := make([]map[string]string, 1000)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%04d", i), "language", "en", "currency", "USD", "amount", "29.85", "items", `[{"name":"Internet, DSL","amount":"25.00"},{"name":"Online backup","amount":"5.00"},{"name":"Discount","amount":"-0.15"}]`)
	}
	whole := file(rows...)
	for b.Loop() {
		b.StopTimer()
		all := setup(b)
		all.load(b, whole, options())
		b.StartTimer()
		all.render(b)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/bill")
}

func BenchmarkImport(b *testing.B) {
	rows := make([]map[string]string, 1000)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%04d", i))
	}
	whole := []byte(file(rows...))
	for b.Loop() {
		all := setup(b)
		if _, err := all.importer.Import(b.Context(), bytes.NewReader(whole), options()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/row")
}

func TestABillThatCannotBeRenderedIsNamedByItsRowAndByNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	templates, err := prepare.LoadTemplates(changed("ko/lms.tmpl", "{{range .Items}}{{.Name}}{{end}}|", "ko/sms.tmpl", strings.Repeat("a", 91)))
	if err != nil {
		t.Fatal(err)
	}
	long := `[{"name":"` + strings.Repeat("비밀", 60) + `","amount":1}`
	long += strings.Repeat(","+long[1:], 9) + "]"
	b.load(t, file(good(), with("customer_number", "C-9", "items", long)), options())
	var named []prepare.Unrendered
	summary, err := b.renderer(b.packs, prepare.RenderOptions{Templates: templates, Refused: func(u prepare.Unrendered) { named = append(named, u) }}).Render(t.Context(), november)
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
	head, _ := fs.ReadFile(prepare.ShippedFiles(), "letterhead.json")
	templates, err := prepare.LoadTemplates(changed("letterhead.json", strings.ReplaceAll(string(head), `"opt_out": ""`, `"opt_out": "무료거부 080-000-0000"`)))
	if err != nil {
		t.Fatal(err)
	}
	b.load(t, file(good(), with("customer_number", "C-2", "email", ""), with("customer_number", "C-3", "unsubscribe_url", "https://example.com/u/3")), options())
	var named []prepare.Unrendered
	o := prepare.RenderOptions{Templates: templates, Class: policy.Advertising, Refused: func(u prepare.Unrendered) { named = append(named, u) }}
	summary, err := b.renderer(b.packs, o).Render(t.Context(), november)
	if err != nil || summary.Rendered != 2 || len(named) != 1 || named[0].Customer != "C-1" || !strings.Contains(named[0].Reason, "unsubscribe_url") {
		t.Fatalf("%+v, %+v, %v", summary, named, err)
	}
	if email := b.statement(t, key.Target{Month: november, UserID: 3}).Variants[channel.Email]; email.Unsubscribe != "https://example.com/u/3" || email.Class != "ADVERTISING" || !strings.HasPrefix(email.Subject, "(광고) ") {
		t.Errorf("%+v", email)
	}
}
