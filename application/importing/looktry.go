package importing

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// try makes bills of the first rows as an import does, and keeps samples of each column.
func (l *Looked) try(f File) error {
	draft, open := drafted(l.Proposal.Mapping)
	rows := newRows(&Source{rows: bytes.NewReader(l.Sample.Text), file: File{Mapping: &draft}})
	if len(draft.Columns) == 0 {
		l.count(rows)
		return nil
	}
	head, err := rows.header(billfile.UTF8)
	if err != nil {
		return fmt.Errorf("look at %s: %w", f.Name, err)
	}
	l.HeaderLine, l.HeaderRows = head.line, max(draft.File.HeaderRows, 1)
	for i, name := range rows.made.Columns() {
		from := fromOf(draft, name)
		l.Columns = append(l.Columns, LookedColumn{To: name, From: from, Why: l.Proposal.Why[name]})
		if slices.Contains(open, name) {
			l.Columns[i].Why = "to be decided"
		}
	}
	return l.each(rows, head, open)
}

// each takes the first rows one by one.
func (l *Looked) each(rows *billRows, head header, open []string) error {
	rules := Rules{Month: key.Month(2026*12 + 10), NotBefore: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Zone: time.UTC}
	var zones port.Zones
	for l.Rows < lookedRows {
		next, err := rows.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("look at its rows: %w", err)
		}
		if head.isBlank(next) {
			continue
		}
		l.Rows++
		made := rows.canonical(next)
		if made.problem == "" {
			l.keep(rows, next, made, open)
		}
		l.judge(made, head, &zones, rules, open)
	}
	again := newRows(&Source{rows: bytes.NewReader(l.Sample.Text), file: File{Mapping: rows.mapping}})
	if _, err := again.header(billfile.UTF8); err != nil {
		return err
	}
	l.count(again)
	return nil
}

// count counts the rows of the sample behind the header that are not blank and that the mapping does not leave out.
func (l *Looked) count(rows *billRows) {
	for {
		next, err := rows.splitter.next()
		if err != nil {
			return
		}
		skipped := rows.made != nil && rows.made.Skips(next.fields)
		if next.line >= l.HeaderLine+l.HeaderRows && !skipped && !(header{encoding: billfile.UTF8}).isBlank(next) {
			l.sampled++
		}
	}
}

// tryCanonical makes bills of the first rows of a canonical file.
func (l *Looked) tryCanonical() error {
	rows := newRows(&Source{rows: bytes.NewReader(l.Sample.Text)})
	head, err := rows.header(billfile.UTF8)
	if err != nil {
		return err
	}
	l.HeaderLine, l.HeaderRows, l.Names = head.line, 1, head.names
	if head.refused {
		l.count(rows)
		return nil
	}
	for _, name := range head.names {
		l.Columns = append(l.Columns, LookedColumn{To: name, From: name})
	}
	return l.each(rows, head, nil)
}

// judge says whether a row makes a bill. What is still to be decided does not count.
func (l *Looked) judge(made record, head header, zones *port.Zones, rules Rules, open []string) {
	reading := row{header: head, zones: zones, fields: made.fields, wrong: made.faults}
	bill, wrong := reading.bill(rules)
	if made.problem != "" {
		wrong = faults{{"", made.problem}}
	}
	wrong = slices.DeleteFunc(slices.Clone(wrong), func(f fault) bool {
		return slices.Contains(open, f.field) || slices.Contains(open, colCurrency) && (f.field == colAmount || f.field == colItems || f.field == colBilledBefore)
	})
	// A wrong address is among the remarks and costs no bill, unless the mapping itself cannot make one.
	costs := func(f fault) bool {
		return !slices.Contains(destinationColumns(), f.field) || slices.Contains(made.faults, f)
	}
	if !slices.ContainsFunc(wrong, costs) {
		l.Good++
		for _, d := range destinations {
			if l.correct && bill.Customer != "" && !bill.State.Reachable.Has(d.Channel) {
				l.remark(d.Column+" has no address: where the bill has one, the row is refused without --remove-contacts", made.line)
			}
		}
		for _, remark := range reading.remarks {
			if remark.Kind == ContactLeftOut || remark.Kind == NoMobileNumber || remark.Kind == SeveralAddresses {
				l.unserved++
			}
			if remark.Field != colDueDate { // the look knows of no month
				l.remark(strings.TrimSpace(remark.Field+" "+remark.Text), made.line)
			}
		}
		return
	}
	if len(l.Faults) < 5 {
		l.Faults = append(l.Faults, fmt.Sprintf("line %d: %s", made.line, Refusal{Field: wrong.fields(), Reason: wrong.reasons()}.Text()))
	}
}

// remark counts what is doubtful.
func (l *Looked) remark(text string, line int) {
	at := slices.IndexFunc(l.Remarks, func(r LookedRemark) bool { return r.Text == text })
	if at < 0 {
		at = len(l.Remarks)
		l.Remarks = append(l.Remarks, LookedRemark{Text: text, Line: line})
	}
	l.Remarks[at].Rows++
}

// drafted is a mapping without what is still to be decided, and the columns that it lacks for that.
func drafted(m mapping.Mapping) (draft mapping.Mapping, open []string) {
	draft = m
	draft.Columns, draft.Constants = nil, map[string]string{}
	for _, c := range m.Columns {
		if slices.Contains(c.From, mapping.Unknown) {
			open = append(open, c.To)
			continue
		}
		draft.Columns = append(draft.Columns, c)
	}
	for name, value := range m.Constants {
		if value == mapping.Unknown {
			open = append(open, name)
			continue
		}
		draft.Constants[name] = value
	}
	if m.Dates == mapping.Unknown {
		draft.Dates, open = "", append(open, colDueDate)
	}
	if m.Decimal == mapping.Unknown {
		draft.Decimal, open = "", append(open, colAmount, colItems, colBilledBefore)
	}
	slices.Sort(open)
	return draft, open
}

// fromOf says where a column of billing data comes from.
func fromOf(m mapping.Mapping, to string) string {
	for _, c := range m.Columns {
		if c.To == to {
			return strings.Join(c.From, " + ")
		}
	}
	if to == colItems {
		var names []string
		for _, item := range m.Items {
			names = append(names, strings.TrimPrefix(item.Name+" "+item.Amount, " "))
		}
		return strings.Join(names, ", ")
	}
	return "always"
}

// keptSamples is how many samples a look keeps of each column.
const keptSamples = 2

// keep takes samples: the first value, and one that was changed in another way.
func (l *Looked) keep(rows *billRows, next, made record, open []string) {
	for i := range l.Columns {
		column := &l.Columns[i]
		if len(column.Samples) == keptSamples || i >= len(made.fields) {
			continue
		}
		after := string(made.fields[i])
		before := after
		if rows.made != nil {
			before = rows.made.Before(i, next.fields)
		}
		if column.From == "always" {
			before = after
		}
		if slices.Contains(open, column.To) {
			after = mapping.Unknown
		}
		if before == "" && after == "" || len(column.Samples) == 1 && (column.From == "always" || before == after || column.Samples[0].Before == before) {
			continue
		}
		column.Samples = append(column.Samples, LookedValue{before, after})
	}
}
