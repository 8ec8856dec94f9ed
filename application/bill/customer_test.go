package bill_test

import (
	"testing"

	"github.com/balsong/balsong/application/bill"
)

func TestACustomerNumberThatShowsTheSameIsTheSame(t *testing.T) {
	t.Parallel()
	for _, variant := range []string{
		"C-1", "\u00a0C-1", "C-1\u200b", "C\u00ad-1", "C-\ufeff1", "C-1\u3164", "\u3164C-1", "C\u2060-1", "C-1\ufe0f", "Ｃ-１", "Ｃ－１", " C-1\u3000", "C-\u034f1", "C-\u115f1", "C-\uffa01",
	} {
		if got := bill.CustomerNumber(variant); got != "C-1" {
			t.Errorf("%+q is %+q", variant, got)
		}
	}
	for variant, want := range map[string]string{
		"A\u00a01": "A 1", "A  1": "A 1", "김": "김", "\u1100\u1175\u11b7": "김", "c-1": "c-1", "": "", "\u200b": "", "①": "1",
		"e\u200b\u0301": "\u00e9", "\u1100\u200b\u1161": "가", // composed when nothing is left between them
		"\xf0\u01cb": "\ufffdNj", // no UTF-8
	} {
		if got := bill.CustomerNumber(variant); got != want {
			t.Errorf("%+q is %+q, want %+q", variant, got, want)
		}
	}
}

func TestNumbersThatPeopleConfuseLookAlike(t *testing.T) {
	t.Parallel()
	for _, variant := range []string{"C-10L", "c-10l", "С-10L", "C-1OL", "C-l0I", "C–1ОΙ"} {
		if got := bill.Lookalike(variant); got != "C-101" {
			t.Errorf("%+q looks like %+q", variant, got)
		}
	}
	if bill.Lookalike("C-10") == bill.Lookalike("C-11") || bill.Lookalike("7590-VHVEG") != "7590-VHVEG" {
		t.Error("others look alike")
	}
}

// FuzzCustomerNumber: a number in its stored form stays as it is.
func FuzzCustomerNumber(f *testing.F) {
	for _, text := range []string{"C-1", "\u200bC 1\u00a0", "ﷺ", "①", "\u3164", "\u1100\u1175\u11b7", "e\u200b\u0301", "\xf0\u01cb"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		once := bill.CustomerNumber(text)
		if twice := bill.CustomerNumber(once); twice != once {
			t.Fatalf("%+q is %+q, and that %+q", text, once, twice)
		}
	})
}
