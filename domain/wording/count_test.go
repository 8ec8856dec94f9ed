package wording_test

import (
	"testing"

	"github.com/balsong/balsong/domain/wording"
)

func TestOneIsSaidInTheSingular(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 bills are", 1: "1 bill is", 2: "2 bills are", -1: "-1 bills are"} {
		if got := wording.Count(n, "bill is", "bills are"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
