package batchapp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/billfile"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/fileio"
	"github.com/balsong/balsong/domain/wording"
)

// lookArguments are the flags for files that are not canonical.
type lookArguments struct {
	look, allowMapping bool
	mapping, names     string
	set, columns       []string
}

func (a *lookArguments) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&a.look, "look", false, "import nothing: show what the file is and propose a mapping, which is written beside it")
	cli.FileFlag(flags, &a.mapping, "mapping", "`file` or s3://bucket/key that says how the columns become billing data; with --look it is tried, or written where it is not there")
	flags.StringArrayVar(&a.set, "set", nil, "`name=value`: dates=dmy, decimal=comma, calling_code=49, or the same value in every bill: currency=EUR, due_date=2026-12-25 (repeat it)")
	flags.StringArrayVar(&a.columns, "column", nil, "`column=name`: which column of the file makes a column of billing data: due_date=\"Pay by\" (repeat it)")
	cli.FileFlag(flags, &a.names, "names", "`file` or s3://bucket/key with more names of columns for --look (docs/guides/your-own-file.md)")
}

// change is one --set or --column.
type change struct{ name, text string }

// changes are all --set, and then all --column.
func (a *lookArguments) changes() (list []change) {
	for _, text := range a.set {
		list = append(list, change{"set", text})
	}
	for _, text := range a.columns {
		list = append(list, change{"column", text})
	}
	return list
}

// answers are what --set and --column say.
func (a *lookArguments) answers() (mapping.Answers, error) {
	answers := mapping.Answers{Set: map[string]string{}, Columns: map[string]string{}}
	into := map[string]map[string]string{"set": answers.Set, "column": answers.Columns}
	for _, flag := range a.changes() {
		name, value, found := strings.Cut(flag.text, "=")
		if !found || name == "" {
			return answers, fmt.Errorf("--%s: %q is not of the form name=value", flag.name, flag.text)
		}
		into[flag.name][strings.TrimSpace(name)] = value
	}
	return answers, nil
}

// table is the table of names of headers.
func (a *lookArguments) table(ctx context.Context) (*mapping.NameTable, error) {
	table := mapping.ShippedNames()
	if a.names == "" {
		return table, nil
	}
	text, err := readBounded(ctx, a.names, maxMapping)
	if err == nil {
		err = table.Add(string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("--names: %s: %w", a.names, err)
	}
	return table, nil
}

// runLook looks at a file, and writes the mapping that it proposes.
func runLook(cmd *cobra.Command, a *importArguments, args []string) error {
	paths := append(a.files, args...)
	if len(paths) != 1 {
		return cli.Usagef("--look takes one file, and %d are named", len(paths))
	}
	a.file = paths[0]
	encoding, err := billfile.ParseEncoding(a.encoding)
	if err != nil {
		return cli.Usage(fmt.Errorf("--encoding: %w", err))
	}
	options, given, err := a.lookOptions(cmd.Context())
	if err != nil {
		return badFlags(err)
	}
	file, err := openBillingFile(cmd.Context(), a.file, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	looked, err := importing.Look(file, importing.File{Name: baseName(a.file), Encoding: encoding}, options)
	if err != nil {
		return err
	}
	d := newLookDocument(a, looked)
	if d.Mapping = given; given == "" && !looked.Canonical {
		if d.Mapping, err = a.writeMapping(cmd.Context(), looked.Proposal.Text(baseName(a.file))); err != nil {
			return err
		}
		d.Written = true
	}
	d.Next = a.next(looked, d, cmd.Flags())
	return cli.Answer(cmd, d, d.print)
}

// badFlags is a mistake in the flags, unless the store of a mapping or of names does not answer.
func badFlags(err error) error {
	if errors.Is(err, port.ErrUnavailable) {
		return err
	}
	return cli.Usage(err)
}

// lookOptions reads what a look takes into account; given is the mapping that is tried.
func (a *importArguments) lookOptions(ctx context.Context) (o importing.LookOptions, given string, err error) {
	o.Correct = a.correct && !a.removeContacts
	if o.Answers, err = a.answers(); err != nil {
		return o, "", err
	}
	if o.Table, err = a.table(ctx); err != nil {
		return o, "", err
	}
	if a.mapping == "" {
		return o, "", nil
	}
	m, err := readMapping(ctx, a.mapping, o.Answers)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, port.ErrNotFound) {
		return o, "", nil
	}
	if err != nil {
		return o, "", err
	}
	o.Mapping = &m.Mapping
	return o, a.mapping, nil
}

// writeMapping writes a proposal where --mapping says, or beside the file; never over a file that is there.
func (a *importArguments) writeMapping(ctx context.Context, text []byte) (path string, err error) {
	named := a.file
	if named == stdinName || fileio.IsObject(named) {
		named = baseName(named)
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(named, ".gz"), ".zst")
	beside := strings.TrimSuffix(stem, filepath.Ext(stem)) + ".mapping.yaml"
	out := fileio.NewLate(ctx, cmp.Or(a.mapping, beside))
	_, err = out.Write(text)
	err = errors.Join(err, out.Close())
	return out.Name(), err
}

// next is the command that imports the file. What was answered beside a mapping that is tried is not in that.
func (a *importArguments) next(l importing.Looked, d *lookDocument, said *pflag.FlagSet) string {
	month := "MONTH"
	if a.month != 0 {
		month = a.month.String()
	}
	words := []string{"batch import --month", month}
	if d.Mapping != "" {
		words = append(words, "--mapping", cli.Quote(d.Mapping))
	}
	if !l.Sample.Mark && l.Sample.Encoding != expectedEncoding(d, l) {
		words = append(words, "--encoding", string(l.Sample.Encoding))
	}
	said.Visit(func(f *pflag.Flag) { // what else was said beside the look
		switch {
		case slices.Contains([]string{"look", "month", "file", "mapping", "names", "set", "column", "encoding", "output", "allow-unterminated", "expect-total"}, f.Name):
		case f.Value.Type() == "bool":
			words = append(words, "--"+f.Name+"="+f.Value.String())
		default:
			words = append(words, "--"+f.Name, cli.Quote(f.Value.String()))
		}
	})
	for _, total := range a.expectTotals {
		words = append(words, "--expect-total", cli.Quote(total))
	}
	if d.Mapping != "" && !d.Written {
		for _, flag := range a.changes() {
			words = append(words, "--"+flag.name, cli.Quote(flag.text))
		}
	}
	if l.Unterminated {
		words = append(words, "--allow-unterminated")
	}
	return strings.Join(append(words, cli.Quote(a.file)), " ")
}

// expectedEncoding is the encoding in which an import with the document's mapping, or none, takes a file for granted.
func expectedEncoding(d *lookDocument, l importing.Looked) billfile.Encoding {
	if d.Mapping == "" {
		return billfile.UTF8
	}
	encoding, err := billfile.ParseEncoding(l.Proposal.Mapping.File.Encoding)
	if err != nil || encoding == billfile.Detected {
		return billfile.UTF8
	}
	return encoding
}

// lookDocument is what a look found, for programs.
type lookDocument struct {
	File      string             `json:"file"`
	Packing   string             `json:"compression,omitempty"`
	Encoding  string             `json:"encoding"`
	Why       string             `json:"encoding_known_by"`
	Separator string             `json:"separator"`
	Header    []int              `json:"header_lines"`
	Before    []string           `json:"before_header,omitempty"`
	Rows      int                `json:"rows,omitempty"` // 0: unknown
	Exact     bool               `json:"rows_exact"`
	Canonical bool               `json:"canonical"`
	Columns   []lookedColumn     `json:"columns"`
	LeftOut   []string           `json:"left_out,omitempty"`
	Settings  map[string]string  `json:"settings,omitempty"`
	Reasons   map[string]string  `json:"settings_known_by,omitempty"`
	Questions []mapping.Question `json:"to_decide,omitempty"`
	Notes     []string           `json:"notes,omitempty"`
	Tried     int                `json:"tried_rows"`
	Good      int                `json:"good_rows"`
	Faults    []string           `json:"faults,omitempty"`
	Remarks   []string           `json:"remarks,omitempty"`
	Mapping   string             `json:"mapping,omitempty"`
	Written   bool               `json:"mapping_written"`
	Next      string             `json:"next"`
}

type lookedColumn struct {
	To      string      `json:"to"`
	From    string      `json:"from"`
	Why     string      `json:"known_by,omitempty"`
	Samples [][2]string `json:"samples"` // as the file has it, and as the bill has it
}

// defaults shows language and zone where nothing of the file says them.
func (d *lookDocument) defaults(a *importArguments, l importing.Looked) {
	for _, s := range [][3]string{{"language", "ko", "--set language=en"}, {"zone", a.zone, "--zone Europe/London, or --set zone=Europe/London"}} {
		if l.Canonical || slices.ContainsFunc(l.Columns, func(c importing.LookedColumn) bool { return c.To == s[0] }) {
			continue
		}
		d.Settings[s[0]] = s[1]
		d.Reasons[s[0]] = "no column; " + s[2]
		if l.Proposal.Mapping.Constants[s[0]] == mapping.Unknown {
			d.Settings[s[0]], d.Reasons[s[0]] = mapping.Unknown, ""
		}
	}
}

func newLookDocument(a *importArguments, l importing.Looked) *lookDocument {
	d := &lookDocument{
		File: a.file, Packing: string(l.Sample.Packing), Encoding: string(l.Sample.Encoding), Why: "its bytes are text in it",
		Separator: l.Separator, Before: l.Before, Canonical: l.Canonical, LeftOut: l.Proposal.LeftOut, Questions: l.Proposal.Questions,
		Notes: l.Proposal.Notes, Tried: l.Rows, Good: l.Good, Faults: l.Faults, Settings: map[string]string{}, Reasons: map[string]string{},
	}
	switch {
	case l.Sample.Mark:
		d.Why = "its byte order mark"
	case a.encoding != "":
		d.Why = "--encoding"
	case l.Sample.Guessed:
		d.Why = "guessed: it is not UTF-8, and its bytes are text in this one"
	}
	d.Rows, d.Exact = l.About()
	for n := range l.HeaderRows {
		d.Header = append(d.Header, l.HeaderLine+n)
	}
	m := l.Proposal.Mapping
	for _, s := range [][2]string{{"decimal", cmp.Or(m.Decimal, "point")}, {"dates", cmp.Or(m.Dates, "ymd")}, {"calling_code", m.CallingCode}, {"one_bill", m.OneBill}} {
		if s[1] != "" && !l.Canonical {
			d.Settings[s[0]] = s[1]
			d.Reasons[s[0]] = l.Proposal.Why[s[0]]
		}
	}
	d.defaults(a, l)
	for _, r := range l.Remarks {
		d.Remarks = append(d.Remarks, fmt.Sprintf("%s (%s %d): %s", wording.Count(r.Rows, "row", "rows"), wording.Form(r.Rows, "on line", "the first on line"), r.Line, r.Text))
	}
	for _, c := range l.Columns {
		column := lookedColumn{To: c.To, From: c.From, Why: c.Why}
		for _, s := range c.Samples {
			column.Samples = append(column.Samples, [2]string{s.Before, s.After})
		}
		d.Columns = append(d.Columns, column)
	}
	return d
}
