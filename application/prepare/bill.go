// Package prepare turns a month's billing data into statements that are ready to go out: it imports the canonical CSV
// (docs/contract/billing-csv.md), renders each bill for every channel, encrypts the result and stores it in packs.
package prepare

import (
	"encoding/json"
	"fmt"

	"github.com/balsong/balsong/application/port"
)

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
}

// Item is one line of a bill.
type Item struct {
	Name   string `json:"name"`
	Amount int64  `json:"amount"` // minor units; negative for a discount
}

func (b Bill) encode() ([]byte, error) { return json.Marshal(b) }

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

// OpenBill decrypts and decodes an imported bill. ErrUnknownKey if its key is not there yet: wait; ErrContent if it is
// not this target's bill.
func OpenBill(bill port.Bill, cipher port.Cipher) (Bill, error) {
	data, err := cipher.Open(bill.Data, port.Purpose{Kind: port.KindBillingData, Target: bill.Target})
	if err != nil {
		return Bill{}, err
	}
	return decodeBill(data)
}
