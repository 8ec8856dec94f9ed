package importing_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// told imports a file and returns what is said of its rows.
func (b *bundle) told(t *testing.T, rows string, o call) (summary importing.Summary, refused []importing.Refusal, remarks []importing.Remark) {
	t.Helper()
	o.Reporter = listener{
		refused:  func(r importing.Refusal) { refused = append(refused, r) },
		remarked: func(r importing.Remark) { remarks = append(remarks, r) },
	}
	return b.load(t, rows, o), refused, remarks
}

func TestACorrectionThatFindsNoBillIsRefusedAndTheNumberThatLooksLikeItIsNamed(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"de-501", "DE-5O1", "DE501", "DE 501"} {
		b := setup(t)
		b.load(t, file(with("customer_number", "DE-501")), options())
		o := named("corrected.csv")
		o.Rules.Correct, o.By = true, why
		summary, refused, _ := b.told(t, file(with("customer_number", number)), o)
		if summary != (importing.Summary{Rows: 1, Conflicts: 1}) || !strings.Contains(refused[0].Reason, "no bill in 2026-11 that could be corrected") ||
			!strings.Contains(refused[0].Reason, "2026-11 has DE-501") {
			t.Errorf("%s: %+v, %+v", number, summary, refused)
		}
		o.Rules.AllowNew = true
		if summary := b.load(t, file(with("customer_number", number)), o); summary.Inserted != 1 {
			t.Errorf("%s with --allow-new: %+v", number, summary)
		}
	}
}

func TestANewNumberThatLooksLikeOneOfTheMonthFromAnotherImportIsRemarked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("customer_number", "DE-501"), with("customer_number", "200\u00a0001"), with("customer_number", "1-11"), with("customer_number", "C-7")), options())
	second := file(with("customer_number", "de-501"), with("customer_number", "200001"), with("customer_number", "11-1"), with("customer_number", "C-7"), with("customer_number", "C-8"))
	summary, _, remarks := b.told(t, second, named("second.csv"))
	var said []string
	for _, r := range remarks {
		said = append(said, fmt.Sprintf("%d %s %s", r.Line, r.Customer, r.Kind))
	}
	if want := []string{"2 DE-501 customer_looks_alike", "3 200 001 customer_looks_alike"}; summary.Inserted != 4 || summary.Remarks != 2 || !slices.Equal(said, want) {
		t.Errorf("%+v, %q, want %q", summary, said, want)
	}
	if summary, _, remarks := b.told(t, second, named("again.csv")); summary.Inserted != 0 || len(remarks) != 0 {
		t.Errorf("again: %+v, %+v", summary, remarks)
	}
}

func TestANumberThatASpreadsheetShortenedLooksLikeTheOneWithItsZeros(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("customer_number", "00012345"), with("customer_number", "7")), options())
	short := file(with("customer_number", "12345"), with("customer_number", "8"))
	if _, _, remarks := b.told(t, short, named("short.csv")); len(remarks) != 1 || remarks[0].Kind != importing.CustomerLooksAlike || remarks[0].Customer != "00012345" {
		t.Errorf("%+v", remarks)
	}
	o := named("corrected.csv")
	o.Rules.Correct, o.By = true, why
	_, refused, _ := b.told(t, file(with("customer_number", "0007")), o)
	if len(refused) != 1 || !strings.Contains(refused[0].Reason, "2026-11 has 7, which looks like it") {
		t.Errorf("%+v", refused)
	}
}

func TestACorrectionFromAFileWithFewerColumnsSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.load(t, file(with("customer_number", "C-1", "items", `[{"name":"Calls","amount":12300}]`)), options())
	few := "customer_number,name,phone,push_token,language,currency,amount,due_date,billed_before,payment_method\nC-1,Kim,,,ko,KRW,5000,2026-11-25,,\n"
	var notes []string
	o := named("few.csv")
	o.Reporter = listener{note: func(text string) { notes = append(notes, text) }}
	if b.load(t, few, o); len(notes) > 0 {
		t.Errorf("without a correction: %q", notes)
	}
	o.Rules.Correct, o.By = true, why
	if got := b.load(t, few, o); got.Corrected != 0 || len(notes) != 1 || !strings.Contains(notes[0], "the file has no column email, items: ") || !strings.Contains(notes[0], "of a bill that has an address there it is refused") {
		t.Errorf("%+v, %q", got, notes)
	}
	notes, o.Rules.RemoveContacts = nil, true
	if got := b.load(t, few, o); got.Corrected != 1 || len(notes) != 1 || !strings.HasSuffix(notes[0], "what a corrected bill had there is gone") {
		t.Errorf("%+v, %q", got, notes)
	}
}

// A file that was made to correct amounts takes no customer's address away.
func TestACorrectionTakesNoAddressAwayUnlessItIsTold(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]string{"empty": "", "wrong": "nobody at example"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			const email, phone = "kim@example.com", "010-1234-5678"
			row := func(customer, email, phone, amount string) map[string]string {
				return with("customer_number", customer, "email", email, "phone", phone, "push_token", "", "channel_wish", "", "amount", amount)
			}
			b.load(t, file(row("C-1", email, phone, "12300"), row("C-2", email, "", "12300")), options())
			corrected := file(row("C-1", gone, "", "5"), row("C-2", email, phone, "5"))
			reachable := func(user int64) channel.Set {
				target, _ := b.store.Target(key.Target{Month: november, UserID: user})
				return target.State().Reachable
			}
			o := named("corrected.csv")
			o.Rules.Correct, o.By = true, why
			got, refused, _ := b.told(t, corrected, o)
			if got.Corrected != 1 || got.Conflicts != 1 || got.ContactsKept != 2 || got.ContactsRemoved != 0 || len(refused) != 1 || !strings.Contains(refused[0].Reason, "take an address away (email, phone)") {
				t.Errorf("%+v, %+v", got, refused)
			}
			if want := channel.NewSet(channel.All...) &^ channel.NewSet(channel.Push); reachable(1) != want || reachable(2) != want {
				t.Errorf("they are reached by %v and %v", reachable(1).Kinds(), reachable(2).Kinds())
			}
			o.Rules.RemoveContacts = true
			if got, _, _ := b.told(t, corrected, o); got.Corrected != 1 || got.Unchanged != 1 || got.ContactsKept != 0 || got.ContactsRemoved != 2 || reachable(1) != 0 {
				t.Errorf("told so: %+v, reached by %v", got, reachable(1).Kinds())
			}
		})
	}
}
