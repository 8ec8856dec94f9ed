package importing_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
)

func TestAllFaultsOfARowAreToldAtOnceAndItsRejectsFileComesInWhenAllAreCorrected(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var told []string
	o := named("first.csv")
	o.Reporter = listener{refused: func(r importing.Refusal) { told = append(told, r.Field) }}
	bad := with("currency", "WON", "amount", "12x", "due_date", "25.11.2026", "quiet_from", "9:00", "quiet_to", "25:00", "zone", "Seoul", "send_day", "32", "channel_wish", "FAX", "language", "!")
	got, rejects := b.refuse(t, file(bad), o)
	if got != (importing.Summary{Rows: 1, Rejected: 1}) {
		t.Fatalf("%+v", got)
	}
	const fields = "language; currency; amount; due_date; zone; quiet_from; quiet_to; send_day; channel_wish"
	rows, err := csv.NewReader(strings.NewReader(rejects)).ReadAll()
	if err != nil || rows[1][2] != fields || len(told) != 1 || told[0] != fields {
		t.Errorf("%v: told are %q, and rejects.csv has %q", err, told, rows[1][2])
	}
	for field := range strings.SplitSeq(fields, "; ") {
		if !strings.Contains("; "+rows[1][3], "; "+field+" is ") {
			t.Errorf("no reason for %s in %q", field, rows[1][3])
		}
	}
	again, still := b.refuse(t, rejects, named("again.csv"))
	if again != (importing.Summary{Rows: 1, Rejected: 1}) || still != rejects {
		t.Errorf("unchanged it came to %+v and\n%s, was\n%s", again, still, rejects)
	}
	corrected := strings.NewReplacer("WON", "KRW", "12x", "12300", "25.11.2026", "2026-11-25", "9:00", "09:00", "25:00", "10:00", ",Seoul", ",Asia/Seoul", ",32,", ",25,", "FAX", "SMS", ",!,", ",ko,").Replace(still)
	if got := b.load(t, corrected, named("corrected.csv")); got != (importing.Summary{Rows: 1, Inserted: 1}) || len(b.store.Rejects(november)) != 0 {
		t.Errorf("corrected: %+v, %+v", got, b.store.Rejects(november))
	}
}

func TestEveryColumnThatIsMissingIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for head, want := range map[string][]string{
		"Customer Number,curency,name\n": {"customer_number (did you mean", `"Customer Number"`, "currency (did you mean", "amount, due_date are missing"},
		"a,b,c\n":                        {"names none of the columns: customer_number, currency, amount, due_date are required", "email", "may be there"},
		"customer_number,amount,due\n":   {`the columns currency, due_date (did you mean it with "due"?) are missing`},
	} {
		_, err := b.importRows(t.Context(), strings.NewReader(head), options())
		for _, part := range want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %q", head, err, part)
			}
		}
	}
}

func TestBlankRowsAreSkippedAndSaidOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var notes []string
	o := options()
	o.Reporter = listener{note: func(text string) { notes = append(notes, text) }}
	whole := file(good()) + strings.Repeat(strings.Repeat(",", len(importing.Columns)-1)+"\n", 1000) + ",,,\n \t,\u3000,\u200b\u00a0,\n"
	if got := b.load(t, whole, o); got != (importing.Summary{Rows: 1, Inserted: 1, Blank: 1002}) {
		t.Errorf("%+v: %+v", got, b.store.Rejects(november))
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "1002") {
		t.Errorf("said was %q", notes)
	}
}
