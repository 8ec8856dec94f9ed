package batchapp

import (
	"fmt"
	"math/big"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
)

// control is what --expect-rows and --expect-total say; nil where neither was given.
func (a *importArguments) control(m *mapping.Mapping) (*importing.Control, error) {
	c := &importing.Control{Rows: a.expectRows, Totals: map[string]*big.Int{}}
	for _, text := range a.expectTotals {
		currency, amount, err := importing.ParseTotal(text, m)
		if err != nil {
			return nil, fmt.Errorf("--expect-total: %w", err)
		}
		if _, twice := c.Totals[currency]; twice {
			return nil, fmt.Errorf("--expect-total: %s is there twice", currency)
		}
		c.Totals[currency] = amount
	}
	if c.IsZero() {
		return nil, nil
	}
	return c, nil
}
