package bill

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/port"
)

// FuzzParseAmount: an amount that is taken is written back as the same amount, and no error holds what was given.
func FuzzParseAmount(f *testing.F) {
	for _, text := range []string{"29.85", "-3", "1200", "05", "1e3", "", ".", "-", "9999999999999999999", "0.000"} {
		for _, currency := range []string{"KRW", "USD", "KWD", "XXX"} {
			f.Add(text, currency)
		}
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		amount, err := ParseAmount(text, currency)
		if err != nil {
			if len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error holds %q: %v", text, err)
			}
			return
		}
		if again, err := ParseAmount(Decimal(amount, currency), currency); err != nil || again != amount {
			t.Fatalf("%q is %d, written as %q it is %d (%v)", text, amount, Decimal(amount, currency), again, err)
		}
	})
}

// FuzzDecodeBill: stored billing data is a bill, which is written and read as the same, or ErrContent that quotes nothing.
func FuzzDecodeBill(f *testing.F) {
	for _, data := range []string{
		`{"customer_number":"C-1","language":"ko","currency":"KRW","amount":1,"due_date":"2026-11-25","items":[{"name":"a","amount":-1}]}`,
		`{"amount":1e99}`, `{"billed_before":null}`, "", "null", `{"items":{}}`,
	} {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := decodeBill(data)
		if err != nil {
			if !errors.Is(err, port.ErrContent) || len(data) > 8 && strings.Contains(err.Error(), string(data)) {
				t.Fatal(err)
			}
			return
		}
		written, err := first.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeBill(written)
		before, _ := json.Marshal(first)
		after, _ := json.Marshal(again)
		if err != nil || !bytes.Equal(before, after) {
			t.Fatalf("%q is %s and then %s (%v)", data, before, after, err)
		}
	})
}

// FuzzPlainBill: a bill that is read the quick way is the bill that any JSON decoder reads.
func FuzzPlainBill(f *testing.F) {
	before := int64(1_889_500)
	for _, sample := range []Bill{
		{Customer: "C-1", Language: "ko", Currency: "KRW", Amount: 68_200, DueDate: "2026-11-25"},
		{
			Customer: "C-1", Name: "김하나", Language: "ko", Currency: "KRW", BilledBefore: &before, DueDate: "2026-11-25", Payment: "자동이체 (국민은행)",
			Unsubscribe: "https://example.com/unsubscribe/C-1", Items: []Item{{"인터넷 (광랜 500M)", 33_000}, {"결합 할인", -12_000}},
		},
		{Customer: "C-1", Language: "ko", Currency: "KRW", DueDate: "2026-11-25", Fields: map[string]string{"kwh": "350", "사용량": "1,204 kWh"}},
		{Customer: "C-1", Name: "Hana Pine", Language: "en", Currency: "USD", Amount: 8_485, DueDate: "2026-11-25", Items: []Item{{"Internet, fiber optic", 5_000}}},
	} {
		data, err := sample.Encode()
		if err != nil {
			f.Fatal(err)
		}
		if _, plain := plainBill(string(data)); !plain {
			f.Errorf("%s is not read the quick way", data)
		}
		f.Add(string(data))
	}
	f.Add(`{"customer_number":"1","name":"\u0041\"","language":"","currency":"","amount":-0,"billed_before":01,"due_date":"","items":[]}`)
	f.Add(`{"customer_number":"1","language":"","currency":"","amount":99999999999999999999,"due_date":"","items":[{"name":"","amount":1},]}`)
	f.Add(`{"customer_number":"1","language":"","currency":"","amount":1,"due_date":"","fields":{"a":"b","a":"c"}}`)
	f.Add(`{"customer_number":"1","language":"","currency":"","amount":1,"due_date":"","fields":{}}`)
	f.Fuzz(func(t *testing.T, data string) {
		quick, plain := plainBill(data)
		if !plain {
			return
		}
		var want Bill
		if err := json.Unmarshal([]byte(data), &want); err != nil || !reflect.DeepEqual(quick, want) {
			t.Fatalf("%q is read as %+v, want %+v (%v)", data, quick, want, err)
		}
	})
}
