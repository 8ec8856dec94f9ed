package wording_test

import (
	"testing"

	"github.com/balsong/balsong/domain/wording"
)

func TestTheNameThatDiffersLeastInOnePlaceWasMeant(t *testing.T) {
	t.Parallel()
	names := []string{"SMTP_ADDR", "SMTP_FROM", "고객번호", "amount"}
	for name, want := range map[string]string{
		"SMTP_ADR": "SMTP_ADDR", "SMPT_FROM": "SMTP_FROM", "amoumt": "amount", "amount_of": "amount", "고객번": "고객번호", "고객벙호": "고객번호",
		"COLOUR": "", "smtp_from": "", "": "", "SMTP": "",
	} {
		if got := wording.Nearest(name, names); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestTwoNeighboursThatChangedPlacesAreOneDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		one, other string
		want       int
	}{{"abcd", "abcd", 0}, {"abcd", "acbd", 1}, {"abcd", "abd", 1}, {"abcd", "axcd", 1}, {"abcd", "dbca", 4}, {"금액", "액금", 1}, {"", "ab", 2}, {"ab", "ba", 1}} {
		if got, back := wording.Differing(c.one, c.other), wording.Differing(c.other, c.one); got != c.want || back != c.want {
			t.Errorf("%q and %q: %d and %d, want %d", c.one, c.other, got, back, c.want)
		}
	}
}
