package rendering

import "testing"

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
