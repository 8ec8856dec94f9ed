package bill

import "testing"

func TestAmountsAreReadExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, currency string
		want           int64
	}{
		{"29.85", "USD", 2985},
		{"29.8", "USD", 2980},
		{"29", "USD", 2900},
		{"0", "USD", 0},
		{"0.01", "EUR", 1},
		{"-3.5", "USD", -350},
		{"12300", "KRW", 12300},
		{"12300.0", "KRW", 12300},
		{"-12300.00", "JPY", -12300},
		{"1.234", "KWD", 1234},
		{"9007199254740.93", "USD", 900719925474093},
		{"1000000000000000", "JPY", 1e15},
	} {
		got, err := ParseAmount(c.text, c.currency)
		if err != nil || got != c.want {
			t.Errorf("%s %s: %d, %v", c.text, c.currency, got, err)
		}
		if back, err := ParseAmount(Decimal(got, c.currency), c.currency); err != nil || back != got {
			t.Errorf("%s does not come back: %q", c.text, Decimal(got, c.currency))
		}
	}
	for _, c := range [][2]string{
		{"", "USD"},
		{"-", "USD"},
		{".", "USD"},
		{"1.", "USD"},
		{".5", "USD"},
		{"1.234", "USD"},
		{"12300.50", "KRW"},
		{"12.000", "KRW"},
		{"1.000", "USD"},
		{"1.", "KRW"},
		{"1,000", "USD"},
		{"1e3", "USD"},
		{"+1", "USD"},
		{"--1", "USD"},
		{"1.-1", "USD"},
		{"007", "USD"},
		{" 1", "USD"},
		{"1", "XXX"},
		{"1", ""},
		{"1000000000000001", "KRW"},
		{"99999999999999999999999999", "USD"},
		{"NaN", "USD"},
		{"٣", "USD"},
		{"0x10", "USD"},
	} {
		if got, err := ParseAmount(c[0], c[1]); err == nil {
			t.Errorf("%q %s was read as %d", c[0], c[1], got)
		}
	}
}
