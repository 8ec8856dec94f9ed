// Package demodata carries the sample data of the demo: 7,043 customers of a telephone company. NOTICE has its licence.
package demodata

import (
	"bytes"
	_ "embed"
	"io"
)

//go:embed telco-customer-churn.csv
var telco []byte

// Telco returns the sample data, unchanged.
func Telco() io.Reader { return bytes.NewReader(telco) }
