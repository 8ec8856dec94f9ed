package importing

import (
	"fmt"

	"github.com/balsong/balsong/application/importing/mapping"
)

// Bounds of what a bill keeps for templates.
const (
	maxFieldsOfBill = 50
	maxFieldValue   = 400 // bytes
)

// extraFields are the columns fields.NAME of a row, without the empty ones.
func (r *row) extraFields() map[string]string {
	var fields map[string]string
	for _, name := range r.header.fields {
		column := mapping.FieldPrefix + name
		value := r.text(column)
		switch {
		case value == "":
			continue
		case len(value) > maxFieldValue:
			r.refuse(column, fmt.Sprintf("has more than %d bytes", maxFieldValue))
		}
		if fields == nil {
			fields = make(map[string]string, len(r.header.fields))
		}
		fields[name] = value
	}
	return fields
}
