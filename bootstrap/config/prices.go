package config

import (
	"fmt"

	"github.com/balsong/balsong/domain/cost"
)

// parsePrices reads what the provider charges.
func (v *vendor) parsePrices() (cost.Prices, error) {
	units := v.units
	if len(units) == 0 {
		units = []cost.Unit{cost.Message}
	}
	return cost.ParsePrices(v.prices, units...)
}

// checkPrices refuses prices that cannot be meant.
func (v *vendor) checkPrices() error {
	if _, err := v.parsePrices(); err != nil {
		return fmt.Errorf("%s_PRICES: %w", v.Variables, err)
	}
	return nil
}
