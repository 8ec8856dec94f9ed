package sheet_test

import (
	"testing"

	"github.com/balsong/balsong/application/sheet"
)

func TestWhatLooksLikeAFormulaIsGuarded(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"": "", "Kim": "Kim", "1+1": "1+1", "'": "'", "''": "''", "'tis": "'tis", "O'Brien": "O'Brien", " =1": " =1",
		"=1+1": "'=1+1", "+821000001234": "'+821000001234", "-12": "'-12", "@sum": "'@sum", "\t=1": "'\t=1", "\r\n=1": "'\r\n=1",
		"'=1": "''=1", "''-1": "'''-1",
	} {
		if got := sheet.Guard(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

func TestWhatASpreadsheetWouldChangeIsKept(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"00300002": "'00300002", "1234567890123456": "'1234567890123456", "12E4": "'12E4", "1.5e+10": "'1.5e+10", "1-11": "'1-11", "03/04/2026": "'03/04/2026", "=1": "'=1", "'01": "''01",
		"0": "0", "12300": "12300", "123456789012345": "123456789012345", "2026-11-25": "2026-11-25", "010-0000-1234": "010-0000-1234", "C-01": "C-01", "0.5": "0.5",
	} {
		if got := sheet.Keep(given); got != want {
			t.Errorf("%q became %q, want %q", given, got, want)
		}
	}
}

// FuzzGuard: what is guarded is found back, and never begins like a formula.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{"", "=1", "'=1", "''", "-", "'\t", "'0123", "12E4"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		guarded := sheet.Guard(text)
		if back := sheet.Bare(guarded); back != text {
			t.Fatalf("%q became %q and then %q", text, guarded, back)
		}
		if back := sheet.Kept(sheet.Keep(text)); back != text {
			t.Fatalf("%q became %q and then %q", text, sheet.Keep(text), back)
		}
		for _, start := range "=+-@\t\r\n" {
			if len(guarded) > 0 && rune(guarded[0]) == start {
				t.Fatalf("%q is left as %q", text, guarded)
			}
		}
	})
}
