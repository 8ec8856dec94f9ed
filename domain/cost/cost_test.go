package cost_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/domain/cost"
)

func TestAmountsAreExactDecimals(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"0": "0", "9.90": "9.9", "0.0083": "0.0083", "0.000001": "0.000001", "1000000": "1000000", "007.5": "7.5"} {
		if got, err := cost.ParseAmount(text); err != nil || got.String() != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "0.0000001", "1,5", "99999999999999", "NaN", "١"} {
		if got, err := cost.ParseAmount(text); !errors.Is(err, cost.ErrAmount) {
			t.Errorf("%q is taken for %s, %v", text, got, err)
		}
	}
}

func TestAChargeIsThePriceOfItsUnits(t *testing.T) {
	t.Parallel()
	prices, err := cost.ParsePrices([]string{"KRW", " sms:9.9", "lms:30"}, cost.SMS, cost.LMS)
	if err != nil || !prices.Known() {
		t.Fatal(err)
	}
	if got := prices.Charge(cost.Units{Unit: cost.LMS, Count: 1}).String(); got != "1 lms, KRW 30" {
		t.Errorf("an LMS costs %s", got)
	}
	segments, _ := cost.ParsePrices([]string{"USD", "segment:0.0083"}, cost.Segment)
	if got := segments.Charge(cost.Units{Unit: cost.Segment, Count: 3}).String(); got != "3 segments, USD 0.0249" {
		t.Errorf("three segments cost %s", got)
	}
	for _, u := range []cost.Units{{}, {Unit: cost.SMS, Count: 1}, {Unit: cost.Segment}, {Unit: cost.Segment, Count: 101}, {Unit: "word", Count: 1}} {
		if got := segments.Charge(u); got.Known() || got != (cost.Charge{}) {
			t.Errorf("%v costs %s", u, got)
		}
	}
	if (cost.Prices{}).Charge(cost.Units{Unit: cost.Message, Count: 1}).Known() {
		t.Error("without prices a charge is known")
	}
}

func TestPricesThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for text, why := range map[string]string{
		"krw,sms:9,lms:30":       "is no currency",
		"sms:9,lms:30":           "is no currency",
		"KRW,sms:9":              "that of a lms is missing",
		"KRW,sms:9,lms:30,sms:1": "two prices",
		"KRW,sms:9,mms:30":       "nothing that the provider charges for",
		"KRW,sms:nine,lms:30":    "an amount up to 10000",
		"KRW,sms:9,lms:10001":    "an amount up to 10000",
		"KRW,sms,lms:30":         "an amount up to 10000",
	} {
		if _, err := cost.ParsePrices(strings.Split(text, ","), cost.SMS, cost.LMS); !errors.Is(err, cost.ErrPrices) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if p, err := cost.ParsePrices(nil, cost.SMS); err != nil || p.Known() {
		t.Errorf("no prices: %v", err)
	}
}

func TestSegmentsAreCountedAsCarriersCount(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 1},
		{strings.Repeat("a", 160), 1},
		{strings.Repeat("a", 161), 2},
		{strings.Repeat("a", 306), 2},
		{strings.Repeat("a", 307), 3},
		{strings.Repeat("€", 80), 1},
		{strings.Repeat("€", 81), 2},
		{strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3}, // an escaped character is not divided
		{strings.Repeat("가", 70), 1},
		{strings.Repeat("가", 71), 2},
		{strings.Repeat("가", 134), 2},
		{strings.Repeat("가", 135), 3},
		{strings.Repeat("Ü§", 80), 1},
		{strings.Repeat("a", 71) + "`", 2}, // GSM 03.38 has no grave accent
		{strings.Repeat("😀", 35), 1},
		{strings.Repeat("😀", 36), 2},
		{strings.Repeat("😀", 67), 3}, // 33 of a segment
	} {
		if got := cost.SegmentsOf(c.text); got.Unit != cost.Segment || got.Count != c.want {
			t.Errorf("%d bytes of %.8q: %v, want %d", len(c.text), c.text, got, c.want)
		}
	}
}

func FuzzPrices(f *testing.F) {
	f.Add("KRW,sms:9.9,lms:30", "hello €")
	f.Add("USD,segment:0.0083", "가나다😀")
	f.Fuzz(func(t *testing.T, text, message string) {
		units := cost.SegmentsOf(message)
		if units.Count < 1 || units.Count > 1+len(message)/33 {
			t.Errorf("%d segments of %d bytes", units.Count, len(message))
		}
		prices, err := cost.ParsePrices(strings.Split(text, ","), cost.SMS, cost.LMS, cost.Segment)
		if err != nil {
			return
		}
		charge := prices.Charge(units)
		if !charge.Known() {
			return
		}
		if again, err := cost.ParseAmount(charge.Amount.String()); err != nil || again != charge.Amount {
			t.Errorf("%s is read as %s: %v", charge.Amount, again, err)
		}
	})
}
