// Package bill is what one customer is billed for a month: its data, which lie encrypted between import and rendering, and
// amounts of money.
package bill

import (
	"context"
	"encoding/json"
	"fmt"
	"unicode"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// MaxItems is how many items a bill may have.
const MaxItems = 200

// Bill is what one customer is billed for a month. It is stored encrypted between import and rendering. Amounts are in
// the currency's minor unit (cents for USD, won for KRW).
type Bill struct {
	Customer     string `json:"customer_number"`
	Name         string `json:"name,omitempty"`
	Language     string `json:"language"` // BCP 47: "ko", "en-US"
	Currency     string `json:"currency"` // ISO 4217
	Amount       int64  `json:"amount"`
	BilledBefore *int64 `json:"billed_before,omitempty"` // nil: nothing was billed before
	DueDate      string `json:"due_date"`                // 2026-11-25
	Items        []Item `json:"items,omitempty"`
	Payment      string `json:"payment_method,omitempty"`  // how this customer pays: "Bank transfer (automatic)"
	Unsubscribe  string `json:"unsubscribe_url,omitempty"` // address of one-click unsubscription (RFC 8058); advertising only

	Fields map[string]string `json:"fields,omitempty"` // what templates may show besides, by name: kwh, meter
}

// Item is one line of a bill.
type Item struct {
	Name   string `json:"name"`
	Amount int64  `json:"amount"` // minor units; negative for a discount
}

// Encode returns the form in which a bill is stored, unencrypted.
func (b Bill) Encode() ([]byte, error) { return json.Marshal(b) }

func decodeBill(data []byte) (Bill, error) {
	b, plain := plainBill(string(data))
	if plain {
		return b, nil
	}
	b = Bill{}
	if err := json.Unmarshal(data, &b); err != nil {
		// The decoder's error is left out: it may quote the data.
		return b, fmt.Errorf("%w: the billing data is not the JSON it should be", port.ErrContent)
	}
	return b, nil
}

// Open decrypts and decodes an imported bill. ErrUnknownKey if its key is not there yet: wait; ErrContent if it is
// not this target's bill.
func Open(sealed port.Bill, cipher port.Cipher) (Bill, error) {
	data, err := cipher.Open(sealed.Data, port.Purpose{Kind: port.KindBillingData, Target: sealed.Target})
	if err != nil {
		return Bill{}, err
	}
	return decodeBill(data)
}

// Find reads one customer's bill without changing anything. ErrNotFound, ErrUnknownKey, ErrContent.
func Find(ctx context.Context, renders port.Renders, cipher port.Cipher, month key.Month, customer string) (Bill, error) {
	found, err := renders.Find(ctx, month, CustomerNumber(customer))
	if err != nil {
		return Bill{}, err
	}
	opened, err := Open(found, cipher)
	if err != nil {
		return Bill{}, fmt.Errorf("open the bill %s: %w", found.Target, err)
	}
	return opened, nil
}

// Unprintable reports whether a character has no place in a bill's texts: control characters, and marks that change
// the direction of text.
func Unprintable(c rune) bool {
	return unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == '\ufeff' ||
		'\u202a' <= c && c <= '\u202e' || '\u2066' <= c && c <= '\u2069'
}
