package importing_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func TestARowBecomesATarget(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if got := b.load(t, file(good()), options()); got != (importing.Summary{Rows: 1, Inserted: 1}) {
		t.Fatalf("%+v", got)
	}
	target, ok := b.store.Target(key.Target{Month: november, UserID: 1})
	if !ok {
		t.Fatal("no target")
	}
	s := target.State()
	sendDay := time.Date(2026, 11, 25, 0, 0, 0, 0, seoul)
	if !s.AvailableAt.Equal(sendDay) || s.Batch != billing.Imported || s.Dispatch != billing.Ready || s.Wished != channel.SMS ||
		s.Quiet.String() != "21:00–08:00 Asia/Seoul" || s.Reachable != channel.NewSet(channel.All...) {
		t.Errorf("%+v", s)
	}
	open, err := b.store.Months().List(t.Context())
	if err != nil || len(open) != 1 || open[0] != november {
		t.Errorf("open months: %v, %v", open, err)
	}
}

func TestABillRemembersWhoImportedItFromWhichFileAndLine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	o := options()
	o.By = port.Act{Actor: "kim", Reason: "the November run"}
	b.load(t, file(with("customer_number", "C-0"), with("amount", "x"), with("customer_number", "C-2")), o)
	got, err := b.store.Report().Origin(t.Context(), key.Target{Month: november, UserID: 2})
	if err != nil || got.File != "november.csv" || got.Line != 4 || got.Import.By.Actor != "kim" || got.Import.By.Reason != "the November run" || !got.Import.StartedAt.Equal(opening) {
		t.Errorf("%+v, %v", got, err)
	}
	records, err := b.store.Report().Imports(t.Context(), november)
	if err != nil || len(records) != 1 || records[0].Rows != 3 || records[0].Inserted != 2 || records[0].Rejected != 1 || !records[0].FinishedAt.Equal(opening) || records[0].Error != "" {
		t.Errorf("%+v, %v", records, err)
	}
}

func TestOnlyWhatARowNamesIsReachable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("phone", "", "push_token", "", "send_day", "", "quiet_from", "", "quiet_to", "", "channel_wish", "")), options())
	target, _ := b.store.Target(key.Target{Month: november, UserID: 1})
	if s := target.State(); s.Reachable != channel.NewSet(channel.Email) || !s.AvailableAt.Equal(opening) || !s.Quiet.IsZero() || s.Wished != "" {
		t.Errorf("%+v", s)
	}
}

// The zone of a row without hours of its own was lost.
func TestAZoneWithoutQuietHoursIsKeptForThePolicysHours(t *testing.T) {
	t.Parallel()
	for zone, want := range map[string]string{"America/New_York": "America/New_York", "": "none"} {
		b := setup(t)
		b.load(t, file(with("quiet_from", "", "quiet_to", "", "zone", zone)), options())
		target, _ := b.store.Target(key.Target{Month: november, UserID: 1})
		got := "none"
		if s := target.State(); s.Zone != nil {
			got = s.Zone.String()
		}
		if got != want {
			t.Errorf("zone %q: kept as %s, want %s", zone, got, want)
		}
	}
	b := setup(t)
	b.load(t, file(with("zone", "America/New_York")), options())
	target, _ := b.store.Target(key.Target{Month: november, UserID: 1})
	if s := target.State(); s.Zone != nil || s.Quiet.Zone().String() != "America/New_York" {
		t.Errorf("with hours of its own: %s, %v", s.Quiet, s.Zone)
	}
}

func TestImportingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	twice := file(good(), with("customer_number", "C-2"))
	b.load(t, twice, options())
	later := options()
	later.Rules.NotBefore = opening.Add(time.Hour)
	if got := b.load(t, twice, later); got != (importing.Summary{Rows: 2, Unchanged: 2}) {
		t.Errorf("%+v", got)
	}
	var rejects bytes.Buffer
	o := options()
	o.Rejects = &rejects
	if got := b.load(t, file(with("amount", "999"), with("customer_number", "C-3")), o); got != (importing.Summary{Rows: 2, Inserted: 1, Conflicts: 1}) {
		t.Errorf("another bill for the same customer: %+v", got)
	}
	if !strings.Contains(rejects.String(), "--correct replaces it") || !strings.Contains(rejects.String(), "C-1") {
		t.Errorf("the conflict is not shown: %s", rejects.String())
	}
}

func TestBadFieldsAreRefusedWithFieldAndReasonAndTheRestGoesIn(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for _, c := range []struct{ field, value string }{
		{"customer_number", ""},
		{"customer_number", strings.Repeat("x", 65)},
		{"customer_number", "a\x00b"},
		{"customer_number", "a\xffb"},
		{"name", secret + "\r\nBcc: all@example.com"},
		{"name", secret + "\u202e"},
		{"name", strings.Repeat("x", 401)},
		{"language", "korean!"},
		{"language", "k"},
		{"currency", ""},
		{"currency", "WON"},
		{"amount", ""},
		{"amount", "1e3"},
		{"amount", "12.5"},
		{"amount", "--1"},
		{"amount", "1,000"},
		{"billed_before", "x"},
		{"due_date", ""},
		{"due_date", "2026-02-30"},
		{"due_date", "25.11.2026"},
		{"due_date", "0001-01-01"},
		{"items", "[{"},
		{"items", `{"name":"a","amount":1}`},
		{"items", `[{"name":"","amount":1}]`},
		{"items", `[{"name":"a"}]`},
		{"items", `[{"name":"a","amount":1.5}]`},
		{"items", `[{"name":"a","amount":1}] x`},
		{"items", `[{"name":"a\u0000","amount":1}]`},
		{"items", "[" + strings.Repeat(`{"name":"a","amount":1},`, 200) + `{"name":"a","amount":1}]`},
		{"quiet_from", ""},
		{"quiet_to", ""},
		{"quiet_from", "9:00"},
		{"quiet_to", "24:00"},
		{"quiet_to", "21:00"},
		{"zone", "Seoul"},
		{"zone", "Local"},
		{"zone", "../etc"},
		{"send_day", "0"},
		{"send_day", "32"},
		{"send_day", "+5"},
		{"send_day", "x"},
		{"channel_wish", "FAX"},
		{"payment_method", strings.Repeat("x", 401)},
		{"unsubscribe_url", "http://example.com/u/" + secret},
		{"unsubscribe_url", "https:///u/" + secret},
		{"unsubscribe_url", "https://example.com/u/" + secret + ">, <https://example.org"},
		{"unsubscribe_url", "https://example.com/" + strings.Repeat("x", 900)},
	} {
		t.Run(fmt.Sprintf("%s %.20q", c.field, c.value), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			got := b.load(t, file(with("customer_number", "C-0"), with(c.field, c.value), with("customer_number", "C-2")), options())
			if got != (importing.Summary{Rows: 3, Inserted: 2, Rejected: 1}) {
				t.Fatalf("%+v", got)
			}
			r := b.store.Rejects(november)
			if len(r) != 1 || r[0].Field != c.field || r[0].Line != 3 || r[0].File != "november.csv" || r[0].Reason == "" {
				t.Fatalf("%+v", r)
			}
			if strings.Contains(r[0].Reason, secret) {
				t.Errorf("the reason holds the value: %s", r[0].Reason)
			}
		})
	}
}

func TestAWrongAddressDoesNotCostTheBill(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	for _, c := range []struct{ field, value string }{
		{"email", secret},
		{"email", secret + "@"},
		{"email", secret + "@localhost"},
		{"email", secret + "@example.com\r\nBcc: x@example.com"},
		{"email", "Kim <" + secret + "@example.com>"},
		{"email", secret + "@example.com,b@example.com"},
		{"email", secret + "@exa mple.com"},
		{"email", secret + "@-example.com"},
		{"email", secret + "@example..com"},
		{"email", `"` + secret + `"@example.com`},
		{"email", secret + "@[127.0.0.1]"},
		{"email", "홍" + secret + "@example.com"},
		{"email", strings.Repeat("x", 65) + "@example.com"},
		{"email", secret + "@" + strings.Repeat("x", 250) + ".com"},
		{"phone", "02-123-4567"},
		{"phone", "010-12-5678"},
		{"phone", "+0123456789"},
		{"phone", "+8210123456789012"},
		{"phone", "010-1234-567a"},
		{"phone", "0101234567890"},
		{"phone", "010--1234567"},
		{"push_token", "a b"},
		{"push_token", strings.Repeat("x", 4097)},
		{"email", secret + "\xff@example.com"},
		{"push_token", "a\x00b"},
		{"phone", "+8201012345678"},
	} {
		t.Run(fmt.Sprintf("%s %.20q", c.field, c.value), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var told []importing.Remark
			o := options()
			o.Reporter = listener{remarked: func(r importing.Remark) { told = append(told, r) }}
			if got := b.load(t, file(with(c.field, c.value)), o); got != (importing.Summary{Rows: 1, Inserted: 1, Remarks: 1}) {
				t.Fatalf("%+v: %+v", got, b.store.Rejects(november))
			}
			left := map[string]channel.Kind{"email": channel.Email, "phone": channel.SMS, "push_token": channel.Push}[c.field]
			target, _ := b.store.Target(key.Target{Month: november, UserID: 1})
			for _, kind := range []channel.Kind{channel.Email, channel.SMS, channel.Push} {
				if target.State().Reachable.Has(kind) == (kind == left) {
					t.Errorf("%s: reachable are %v", kind, target.State().Reachable)
				}
			}
			if len(told) != 1 || told[0].Field != c.field || told[0].Line != 2 || told[0].Customer != "C-1" || told[0].Text == "" || strings.Contains(told[0].Text, secret) {
				t.Errorf("remarked are %+v", told)
			}
		})
	}
}

func TestUnusualButGoodFieldsAreTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rows := []map[string]string{
		with("phone", "01012345678"), with("phone", "011-123-4567"), with("phone", "+821012345678"), with("email", "a.b+c_d'e@mail.example.co.kr"),
		with("name", "O’Brien, \"Bob\" <b>; DROP TABLE"), with("name", ""), with("language", ""), with("language", "en-US"), with("currency", "usd", "amount", "12.5", "items", ""),
		with("amount", "0"), with("items", "[]"), with("items", `[{"name":"할인","amount":"-500"}]`), with("email", "", "phone", "", "push_token", ""),
		with("channel_wish", "push"), with("zone", ""), with("billed_before", "500"), with("name", "  padded  "), with("send_day", "31"),
		with("payment_method", "자동이체 (국민은행)"), with("unsubscribe_url", "https://example.com/u?c=C-1&k=3f9c"),
	}
	for i, row := range rows {
		row["customer_number"] = fmt.Sprintf("C-%d", i)
	}
	if got := b.load(t, file(rows...), options()); got.Inserted != len(rows) {
		t.Errorf("%+v: %+v", got, b.store.Rejects(november))
	}
}

func TestACustomerIsTakenOnceAFile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.load(t, file(with("amount", "x"), good(), with("amount", "1"), good()), options())
	if got != (importing.Summary{Rows: 4, Inserted: 1, Rejected: 3}) {
		t.Errorf("%+v", got)
	}
	// Line 2 counts no more: its customer's bill came in with line 3.
	if r := b.store.Rejects(november); len(r) != 2 || r[0].Line != 4 || r[0].Reason != "is the same as on line 3" {
		t.Errorf("%+v", r)
	}
}

func TestABrokenQuoteCostsOneRow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lines := strings.SplitAfter(file(good(), with("customer_number", "C-2"), with("customer_number", "C-3")), "\n")
	lines[2] = strings.Replace(lines[2], "김하나", `"김하나`, 1)
	if got := b.load(t, "\ufeff"+strings.ReplaceAll(strings.Join(lines, ""), "\n", "\r\n"), options()); got != (importing.Summary{Rows: 3, Inserted: 2, Rejected: 1}) {
		t.Errorf("%+v", got)
	}
	if r := b.store.Rejects(november); len(r) != 1 || r[0].Line != 3 {
		t.Errorf("%+v", r)
	}
}

func TestARowWithTooFewOrTooManyFieldsIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := b.load(t, "currency,amount,due_date,customer_number\nKRW,1,2026-11-25,C-1\nKRW,1,2026-11-25\nKRW,1,2026-11-25,C-3,\nKRW,1,2026-11-25,C-4\n", options())
	if got != (importing.Summary{Rows: 4, Inserted: 2, Rejected: 2}) {
		t.Errorf("%+v", got)
	}
	if r := b.store.Rejects(november); len(r) != 2 || r[0].Reason != "has 3 fields, the header has 4" || r[1].Line != 4 {
		t.Errorf("%+v", r)
	}
}

func TestAFileThatIsNoBillingDataIsRefusedWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, file := range map[string]string{
		"empty": "", "no header": "C-1,kim\n", "semicolons": "customer_number;currency;amount;due_date\n", "a column twice": "customer_number,currency,amount,due_date,amount\n",
		"a column missing": "customer_number,currency,amount\n", "UTF-16": "\xff\xfec\x00u\x00", "a broken header": "customer_number,\"currency,amount,due_date\n",
	} {
		if _, err := b.importRows(t.Context(), strings.NewReader(file), options()); !errors.Is(err, importing.ErrHeader) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := b.load(t, "DUE_DATE, amount ,extra,currency,customer_number\n2026-11-25,5,?,KRW,C-9\n", options()); got.Inserted != 1 {
		t.Errorf("columns in another order, with another one between: %+v", got)
	}
	o := options()
	o.Rules.Month = 0
	if _, err := b.importRows(t.Context(), strings.NewReader(file(good())), o); !errors.Is(err, port.ErrInvalid) {
		t.Errorf("no month: %v", err)
	}
}

func BenchmarkImport(b *testing.B) {
	rows := make([]map[string]string, 1000)
	for i := range rows {
		rows[i] = with("customer_number", fmt.Sprintf("C-%04d", i))
	}
	whole := []byte(file(rows...))
	for b.Loop() {
		all := setup(b)
		if _, err := all.importRows(b.Context(), bytes.NewReader(whole), options()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/1000, "µs/row")
}
