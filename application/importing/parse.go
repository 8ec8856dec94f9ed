package importing

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/port"
)

// parse makes a bill of a record, or says why not.
func (r *run) parse(next record) (port.ImportedBill, *refusal) {
	r.header.bare(next.fields)
	before := r.header.before(next.fields)
	place := r.place(before.place, next.line)
	reading := row{header: r.header, zones: &r.zones, fields: next.fields}
	no := func(customer string, wrong ...fault) (port.ImportedBill, *refusal) {
		return port.ImportedBill{}, &refusal{faults: wrong, place: place, customer: customer}
	}
	switch {
	case next.problem != "":
		return no(reading.likelyCustomer(), fault{"", next.problem})
	case len(next.fields) != len(r.header.names):
		return no(reading.likelyCustomer(), fault{"", fmt.Sprintf("has %d fields, the header has %d", len(next.fields), len(r.header.names))})
	}
	parsed, wrong := reading.bill(r.rules)
	if len(wrong) > 0 {
		return no(reading.likelyCustomer(), wrong...)
	}
	if before.unchanged != "" {
		_, refused := no("", fault{strings.Join(before.fields, faultSeparator), before.unchanged})
		refused.before = before.reason
		return parsed, refused
	}
	parsed.File, parsed.Line, parsed.Import, parsed.Resolves = r.source.file.Name, next.line, r.record.ID, before.place
	return parsed, nil
}

// place returns where a row was refused first: here, unless a rejects.csv names another place.
func (r *run) place(before port.RejectedRow, line int) port.RejectedRow {
	if before != (port.RejectedRow{}) {
		return before
	}
	return port.RejectedRow{File: r.source.file.Name, Line: line}
}

// likelyCustomer returns the customer number of a row that is wrong elsewhere; "" if it is unknown.
func (r *row) likelyCustomer() string {
	reading := row{header: r.header, fields: r.fields}
	customer := reading.text(colCustomer)
	if len(reading.wrong) > 0 || len(customer) > maxCustomer || strings.ContainsAny(customer, `"`) {
		return ""
	}
	return customer
}
