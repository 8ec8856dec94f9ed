package prepare

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
		{"1.0", "KRW"},
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

func TestMoneyReadsAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount             int64
		currency, language string
		want, plain        string
	}{
		{2985, "USD", "en", "$29.85", "USD 29.85"},
		{123456789, "USD", "en", "$1,234,567.89", "USD 1,234,567.89"},
		{5, "USD", "en", "$0.05", "USD 0.05"},
		{-350, "USD", "en", "−$3.50", "USD -3.50"},
		{2985, "USD", "ko", "US$29.85", "USD 29.85"},
		{12300, "KRW", "ko", "12,300원", "12,300원"},
		{12300, "KRW", "en", "₩12,300", "KRW 12,300"},
		{0, "KRW", "ko", "0원", "0원"},
		{1000, "JPY", "en", "¥1,000", "JPY 1,000"},
		{1234, "KWD", "en", "KWD\u00a01.234", "KWD 1.234"},
		{100, "CHF", "ko", "CHF\u00a01.00", "CHF 1.00"},
	} {
		if got := money(c.amount, c.currency, c.language); got != c.want {
			t.Errorf("%d %s in %s: %q, want %q", c.amount, c.currency, c.language, got, c.want)
		}
		if got := plainMoney(c.amount, c.currency, c.language); got != c.plain {
			t.Errorf("%d %s in %s, plain: %q, want %q", c.amount, c.currency, c.language, got, c.plain)
		}
	}
}
