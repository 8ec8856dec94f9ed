package importing

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/bill/plainjson"
)

// maxItemFaults is how many faults of a row's items are reported.
const maxItemFaults = 5

// listedItem is an item as a row lists it.
type listedItem struct {
	Name   string      `json:"name"`
	Amount json.Number `json:"amount"`
}

// items parses a JSON array of {"name": …, "amount": …}. Amounts are decimal strings or numbers, parsed without floats.
func (r *row) items(currency string) []bill.Item {
	text := r.text(colItems)
	if text == "" {
		return nil
	}
	wrong := func(reason string) []bill.Item {
		r.refuse(colItems, reason)
		return nil
	}
	listed, plain := plainItems(text)
	if !plain {
		decoder := json.NewDecoder(strings.NewReader(text))
		if err := decoder.Decode(&listed); err != nil {
			return wrong(`is no JSON array such as [{"name":"Calls","amount":"12.50"}]`)
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return wrong("has text behind the JSON array")
		}
	}
	if len(listed) > maxItems {
		return wrong(fmt.Sprintf("has more than %d items", maxItems))
	}
	items := make([]bill.Item, len(listed))
	var bad []string
	for i, item := range listed {
		name := strings.TrimSpace(item.Name)
		if name == "" || len(name) > maxItemName || strings.ContainsFunc(name, bill.Unprintable) {
			bad = append(bad, fmt.Sprintf("item %d has no name, or one that is too long or has control characters", i+1))
		}
		amount, err := bill.ParseAmount(item.Amount.String(), currency)
		if err != nil && !errors.Is(err, bill.ErrCurrency) {
			bad = append(bad, fmt.Sprintf("the amount of item %d %s", i+1, err))
		}
		items[i] = bill.Item{Name: name, Amount: amount}
	}
	if more := len(bad) - maxItemFaults; more > 0 {
		bad = append(bad[:maxItemFaults], fmt.Sprintf("and %d more", more))
	}
	if len(bad) > 0 {
		return wrong(strings.Join(bad, ", "))
	}
	return items
}

// plainItems parses the form in which programs write items, [{"name":"…","amount":"…"}] without spaces and escapes, in
// a tenth of the time that encoding/json takes. plain is false for everything else, which may be valid JSON all the
// same.
func plainItems(text string) (items []listedItem, plain bool) {
	rest, found := strings.CutPrefix(text, "[")
	for found && rest != "]" {
		var item listedItem
		if item.Name, rest, found = plainjson.Between(rest, `{"name":"`, `","amount":"`); !found {
			return nil, false
		}
		var amount string
		if amount, rest, found = plainjson.Between(rest, "", `"}`); !found || !plainjson.IsNumber(amount) {
			return nil, false
		}
		item.Amount = json.Number(amount)
		items = append(items, item)
		if next, more := strings.CutPrefix(rest, ","); more && next != "]" {
			rest = next
		} else if rest != "]" {
			return nil, false
		}
	}
	return items, found && len(items) > 0
}
