package checker

import (
	"slices"
	"testing"
)

// reported is a sound run with reports: the mail of customer 1 bounced and the SMS arrived, of which the vendor says at first that
// it does not know; the SMS of 2 was taken by a vendor that died, and found; that of 3 came back because of us, and went out again.
func reported() Inputs {
	said := func(sequence int64, class, vendor, key string, s Said) Call {
		return Call{Sequence: sequence, Class: class, Vendor: vendor, Key: key, Said: &s}
	}
	return Inputs{
		Month: "2026-11", Customers: []string{"A", "B", "C"}, Users: map[string]int64{"A": 1, "B": 2, "C": 3},
		Targets: []Target{
			{Month: "2026-11", User: 1, Status: "SUCCEEDED", Attempt: 1},
			{Month: "2026-11", User: 2, Status: "SUCCEEDED"},
			{Month: "2026-11", User: 3, Status: "SUCCEEDED", Round: 1},
		},
		Rows: []Row{
			{Month: "2026-11", User: 1, State: "SUCCEEDED", Provider: "smtp"},
			{Month: "2026-11", User: 1, Attempt: 1, State: "SUCCEEDED", Provider: "twilio"},
			{Month: "2026-11", User: 2, State: "UNKNOWN", Provider: "nhn"},
			{Month: "2026-11", User: 3, State: "SUCCEEDED", Provider: "nhn"},
			{Month: "2026-11", User: 3, Round: 1, State: "SUCCEEDED", Provider: "nhn"},
		},
		Calls: []Call{
			{Sequence: 1, Key: "2026-11/1/0/0", Accepted: true, Channel: "EMAIL", Vendor: "smtp"},
			{Sequence: 2, Key: "2026-11/2/0/0", Accepted: true, Dropped: true, Channel: "SMS", Vendor: "nhn"},
			{Sequence: 3, Key: "2026-11/3/0/0", Accepted: true, Channel: "SMS", Vendor: "nhn"},
			said(4, "report", "smtp", "2026-11/1/0/0", Said{ID: "1-undelivered", Of: 1, Result: "undelivered", Code: "5.1.1"}),
			said(5, "report_answered", "smtp", "2026-11/1/0/0", Said{ID: "1-undelivered", Of: 1, Result: "undelivered", Code: "5.1.1", Status: 250}),
			said(6, "report", "nhn", "2026-11/3/0/0", Said{ID: "3-about_us", Of: 3, Result: "about_us", Code: "3012"}),
			said(7, "report_answered", "nhn", "2026-11/3/0/0", Said{ID: "3-about_us", Of: 3, Result: "about_us", Code: "3012", Status: 204}),
			{Sequence: 8, Key: "2026-11/1/1/0", Accepted: true, Channel: "SMS", Vendor: "twilio"},
			said(9, "report", "twilio", "2026-11/1/1/0", Said{ID: "8-uncertain", Of: 8, Result: "uncertain", Code: "30008"}),
			said(10, "report_answered", "twilio", "2026-11/1/1/0", Said{ID: "8-uncertain", Of: 8, Result: "uncertain", Code: "30008", Status: 204}),
			said(11, "looked_up", "nhn", "2026-11/2/0/0", Said{ID: "2-look-up", Of: 2, Result: "delivered", Code: "1000"}),
			{Sequence: 12, Key: "2026-11/3/0/1", Accepted: true, Channel: "SMS", Vendor: "nhn"},
		},
		Reports: []Stored{
			{Month: "2026-11", User: 1, Provider: "smtp", ID: "mail-1", Kind: "UNDELIVERED", Definitive: true, Code: "5.1.1"},
			{Month: "2026-11", User: 3, Provider: "nhn", ID: "3-about_us", Kind: "UNDELIVERED", Definitive: true, Code: "3012"},
			{Month: "2026-11", User: 1, Attempt: 1, Provider: "twilio", ID: "SM1 undelivered", Kind: "UNDELIVERED", Code: "30008"},
			{Month: "2026-11", User: 2, Provider: "nhn", ID: "inquiry-1", Kind: "DELIVERED", Definitive: true, Code: "1000"},
		},
		Asked: map[string]bool{"nhn": true},
	}
}

func TestSoundRunWithReportsHolds(t *testing.T) {
	t.Parallel()
	if r := Check(reported(), Needs{}); !r.OK() {
		t.Fatalf("violations in a sound run: %v", r.Violations)
	}
}

func TestEachAssertionAboutReportsFailsOnItsOwnFault(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault func(in *Inputs)
		want  string
	}{
		"accepted again, and nobody said a word":             {func(in *Inputs) { in.Calls = slices.Delete(in.Calls, 3, 5) }, Once},
		"accepted again before the word":                     {func(in *Inputs) { in.Calls[7].Sequence = 2 }, Once},
		"accepted again on a word that is not definitive":    {func(in *Inputs) { in.Calls[3].Said.Result = "uncertain" }, Once},
		"accepted again after an arrival":                    {func(in *Inputs) { in.Calls[3].Said.Result = "delivered" }, Once},
		"accepted again by the word about another's":         {func(in *Inputs) { in.Calls[3].Said.Of = 2 }, Once},
		"put back and accepted again without a word":         {func(in *Inputs) { in.Calls[5].Said.Result = "under_way" }, Once},
		"exhausted, and the last message was not taken back": {func(in *Inputs) { in.Targets[0].Status = "EXHAUSTED" }, Agrees},
		"succeeded, and all was taken back":                  {func(in *Inputs) { in.Reports[2].Definitive = true }, Truly},
		"succeeded twice":                                    {func(in *Inputs) { in.Reports[0].Definitive = false }, Truly},
		"a report was answered, and is not stored":           {func(in *Inputs) { in.Reports = in.Reports[1:] }, Kept},
		"a report is stored twice":                           {func(in *Inputs) { in.Reports = append(in.Reports, in.Reports[0]); in.Reports[4].ID = "mail-2" }, Kept},
		"a report is stored as another's":                    {func(in *Inputs) { in.Reports[1].User = 2 }, Kept},
		"a report is stored as more than was said":           {func(in *Inputs) { in.Reports[2].Definitive = true }, Kept},
		"a report that nobody made":                          {func(in *Inputs) { in.Reports[1].Kind = "DELIVERED" }, Kept},
		"an inquiry that was never answered":                 {func(in *Inputs) { in.Calls = slices.Delete(in.Calls, 10, 11) }, Kept},
		"unknown, and could be asked":                        {func(in *Inputs) { in.Targets[1].Status, in.Reports = "UNKNOWN", in.Reports[:3] }, Asked},
		"unknown, and the vendor has said it":                {func(in *Inputs) { in.Targets[1].Status, in.Asked = "UNKNOWN", nil }, Asked},
		"killed after a report was stored, and there is none": {func(in *Inputs) {
			in.Kills = []Kill{{Point: points[6], Role: "f", Keys: []string{"2026-11/9/0/0"}}}
			in.Ended = map[string]bool{"f": true}
		}, Records},
		"taken back, and the target of the accepted call open": {func(in *Inputs) { in.Targets[0].Status = "FAILED" }, Remembered},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := reported()
			test.fault(&in)
			if got := violated(Check(in, Needs{})); !slices.Contains(got, test.want) {
				t.Fatalf("violated: %q, want %q among them", got, test.want)
			}
		})
	}
}

func TestAReferenceIsReadAsTheKeyThatItStandsFor(t *testing.T) {
	t.Parallel()
	// 3 bytes of months since the year 0, 8 of the user, 2 of the attempt, 2 of the round, and a signature of zeros.
	for text, want := range map[string]string{
		"abpqeaaaaaaaaaaaa4aacaacaaaaaaaaaaaaaaaa": "2026-11/7/1/2", "2026-11/1/0/0": "2026-11/1/0/0", "": "", "aaaa": "aaaa",
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
