package importing

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/wording"
)

// parsed is what a record says: a bill, or why it is none.
type parsed struct {
	bill    port.ImportedBill
	refused *refusal // nil: it is a bill
	remarks []Remark
	total   money
}

// parse makes a bill of a record, or says why not.
func (r *run) parse(next record) (p parsed) {
	r.header.bare(next.fields)
	before := r.header.before(next.fields)
	place := r.place(before.place, next.line)
	reading := row{header: r.header, zones: &r.zones, fields: next.fields, wrong: next.faults}
	refuse := func(customer string, wrong ...fault) parsed {
		return parsed{refused: &refusal{faults: wrong, place: place, customer: customer, number: before.number}, total: reading.total}
	}
	switch {
	case next.problem != "":
		return refuse(reading.likelyCustomer(), fault{"", next.problem})
	case len(next.fields) != len(r.header.names):
		return refuse(reading.likelyCustomer(), fault{"", fmt.Sprintf("has %s, the header has %d", wording.Count(len(next.fields), "field", "fields"), len(r.header.names))})
	}
	bill, wrong := reading.bill(r.rules)
	if len(wrong) > 0 {
		return refuse(reading.likelyCustomer(), wrong...)
	}
	if before.unchanged != "" {
		p = refuse("", fault{strings.Join(before.fields, faultSeparator), before.unchanged})
		p.refused.before = before.reason
		return p
	}
	if wrong := before.changed(bill.Customer); wrong != "" {
		return refuse("", fault{colCustomer, wrong})
	}
	bill.File, bill.Line, bill.Resolves = r.source.file.Name, next.line, before.place
	for i := range reading.remarks {
		reading.remarks[i].Line, reading.remarks[i].Customer = next.line, bill.Customer
	}
	return parsed{bill: bill, remarks: reading.remarks, total: reading.total}
}

// place returns where a row was refused first: here, unless a rejects.csv names another place.
func (r *run) place(before port.RejectedRow, line int) port.RejectedRow {
	if before != (port.RejectedRow{}) {
		return before
	}
	return port.RejectedRow{File: r.source.file.Name, Line: line}
}
