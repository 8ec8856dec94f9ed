package prepare

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
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

// FuzzDestinations: what is taken for an address or a number has nothing in it that breaks a header or a request.
func FuzzDestinations(f *testing.F) {
	for _, text := range []string{"kim@example.com", "Kim <kim@example.com>", "010-1234-5678", "+821012345678", "a@b.c\r\nBcc: x@y.z", "t0ken", "", "@", "010-\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		odd := func(s string) bool {
			return strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) || s == ""
		}
		if address, err := parseEmail(text); err == nil && (address != text || odd(text) || strings.Count(text, "@") != 1 || strings.ContainsAny(text, "<>,;:\"")) {
			t.Fatalf("%q is taken for the e-mail address %q", text, address)
		}
		if number, err := parsePhone(text); err == nil {
			if again, err := parsePhone(number); err != nil || again != number || strings.Trim(number, "+-0123456789") != "" {
				t.Fatalf("%q is taken for the number %q, and that for %q (%v)", text, number, again, err)
			}
		}
		if token, err := parsePushToken(text); text != "" && err == nil && (token != text || odd(text)) {
			t.Fatalf("%q is taken for the push token %q", text, token)
		}
	})
}

// FuzzDecodeStatement: what is taken for a statement is written and read as the same statement.
func FuzzDecodeStatement(f *testing.F) {
	target := key.Target{Month: 24322, UserID: 1}
	for _, statement := range []port.Statement{
		{Target: target},
		{Target: target, Variants: map[channel.Kind]port.Variant{
			channel.Email: {Subject: "s", HTML: "h", Text: "t", Unsubscribe: "u"}, channel.SMS: {Class: "LMS", Text: "text"}, channel.Push: {Title: "t", Text: "b"},
		}},
	} {
		plain, err := encode(nil, statement)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
		f.Add(plain[:len(plain)-1])
		f.Add(append(plain, 0))
	}
	f.Add([]byte{})
	f.Add([]byte("\x01\x01\x01\x02\x03SMS\x00\x00\x00\x00\x00\x00\x03SMS\x00\x00\x00\x00\x00\x00")) // the same channel twice
	f.Add([]byte("\x01\x01\x01\x01\x03FAX\x00\x00\x00\x00\x00\x00"))                                // an unknown one
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x00"))                           // a month out of range
	f.Add([]byte("\x01\x01\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))                       // a text longer than memory
	f.Fuzz(func(t *testing.T, plain []byte) {
		statement, err := decode(plain, nil)
		if err != nil {
			return
		}
		if _, err := key.ParseMonth(statement.Target.Month.String()); err != nil {
			return // nobody's: OpenStatement refuses it
		}
		written, err := encode(nil, statement)
		if err != nil {
			t.Fatal(err)
		}
		again, err := decode(written, nil)
		if err != nil || !reflect.DeepEqual(again, statement) {
			t.Fatalf("%q is %+v, written as %q it is %+v (%v)", plain, statement, written, again, err)
		}
	})
}

// FuzzOpenStatement: what a ciphertext holds, compressed or not, is a statement of the target or ErrContent.
func FuzzOpenStatement(f *testing.F) {
	target, cipher := key.Target{Month: 24322, UserID: 1}, memory.NewCipher()
	purpose := port.Purpose{Kind: port.KindStatement, Target: target}
	for _, plain := range [][]byte{nil, []byte("x"), {0x28, 0xb5, 0x2f, 0xfd}} {
		f.Add(plain)
	}
	if sealed, err := SealStatement(port.Statement{Target: target}, cipher); err == nil {
		compressed, _ := cipher.Open(sealed, purpose)
		f.Add(compressed)
	}
	f.Fuzz(func(t *testing.T, compressed []byte) {
		sealed, err := cipher.Seal(compressed, purpose)
		if err != nil {
			t.Fatal(err)
		}
		statement, err := OpenStatement(sealed, target, cipher)
		if err != nil && !errors.Is(err, port.ErrContent) || err == nil && statement.Target != target {
			t.Fatalf("%+v, %v", statement, err)
		}
	})
}

// FuzzOpenReference: what a ciphertext holds is a reference, which is written and read as the same, or ErrContent.
func FuzzOpenReference(f *testing.F) {
	target, cipher := key.Target{Month: 24322, UserID: 1}, memory.NewCipher()
	whole := encodeReference(port.StatementRef{Bucket: "b", Key: "k", Offset: 1, Length: 2, SHA256: []byte{0}})
	for _, plain := range [][]byte{whole, whole[:len(whole)-1], append(whole, 0), {}, {frameVersion}, {frameVersion + 1}} {
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		sealed, err := cipher.Seal(plain, port.Purpose{Kind: port.KindStatementRef, Target: target})
		if err != nil {
			t.Fatal(err)
		}
		ref, err := OpenReference(sealed, target, cipher)
		if err != nil {
			if !errors.Is(err, port.ErrContent) {
				t.Fatal(err)
			}
			return
		}
		if sealed, err = SealReference(ref, target, cipher); err != nil {
			t.Fatal(err)
		}
		again, err := OpenReference(sealed, target, cipher)
		if err != nil || again.Bucket != ref.Bucket || again.Key != ref.Key || again.Offset != ref.Offset || again.Length != ref.Length || !bytes.Equal(again.SHA256, ref.SHA256) {
			t.Fatalf("%q is %+v and then %+v (%v)", plain, ref, again, err)
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
		bill, err := decodeBill(data)
		if err != nil {
			if !errors.Is(err, port.ErrContent) || len(data) > 8 && strings.Contains(err.Error(), string(data)) {
				t.Fatal(err)
			}
			return
		}
		written, err := bill.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := decodeBill(written)
		first, _ := json.Marshal(bill)
		second, _ := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%q is %s and then %s (%v)", data, first, second, err)
		}
	})
}

// FuzzPlainBill: a bill that is read the quick way is the bill that any JSON decoder reads.
func FuzzPlainBill(f *testing.F) {
	for _, sample := range append(Samples("ko"), Samples("en")...) {
		data, err := sample.Bill.encode()
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
