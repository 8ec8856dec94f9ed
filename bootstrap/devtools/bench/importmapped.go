package bench

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// exportItems is how many items a row of the export has at most.
const exportItems = 10

// exportMapping is the mapping of the file that export writes.
const exportMapping = `version: 1
file: {separator: semicolon, encoding: utf-8}
columns:
  - {from: 고객번호, to: customer_number}
  - {from: 성명, to: name}
  - {from: 이메일, to: email}
  - {from: 휴대폰, to: phone}
  - {from: 언어, to: language, values: {한국어: ko, 영어: en}}
  - {from: 통화, to: currency}
  - {from: 청구금액, to: amount}
  - {from: 납기일, to: due_date}
  - {from: 납부방법, to: payment_method}
  - {from: 누적, to: fields.total}
  - {from: 발송일, to: send_day}
  - {from: 시작, to: quiet_from}
  - {from: 끝, to: quiet_to}
  - {from: 수신방법, to: channel_wish}
calling_code: "82"
items:
`

// mappedStage imports the same bills once as canonical CSV and once as an export of a billing system, with a mapping.
func (b *bench) mappedStage(ctx context.Context) error {
	return b.repeat(ctx, Mapped, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		files, _, err := b.generated(ctx, s, firstMonth, b.Rows)
		if err != nil {
			return nil, err
		}
		arguments, err := exportAll(files, b.path("exports"))
		if err != nil {
			return nil, err
		}
		plain, err := b.imported(ctx, s, firstMonth, b.Rows, files)
		if err != nil {
			return nil, err
		}
		if _, err := s.db.ExecContext(ctx, "TRUNCATE customers, billing_data, billing_targets, imports"); err != nil {
			return nil, err
		}
		run, err := b.imported(ctx, s, firstMonth, b.Rows, arguments)
		if err != nil {
			return nil, err
		}
		run.BaselineSeconds = plain.Seconds
		for process, seconds := range plain.CPU {
			run.CPU["canonical "+process] = seconds
		}
		return []StageRun{run}, nil
	}, &Stage{
		Name: Mapped, Label: "an export with Korean names, ₩12,300, 2026.11.25, items in numbered columns, by a mapping", Rows: b.Rows,
		Baseline: "`batch import` of the same bills as canonical CSV", Target: Target{Share: 0.8, PeakRSS: 200_000_000},
	})
}

// exportAll writes files of canonical bills as exports into a directory of their own, and returns the import's arguments.
func exportAll(files []string, dir string) (arguments []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	rules := filepath.Join(dir, "mapping.yaml")
	for _, file := range files {
		exported := filepath.Join(dir, filepath.Base(file))
		if err := exportBills(file, exported, rules); err != nil {
			return nil, err
		}
		arguments = append(arguments, exported)
	}
	return append(arguments, "--mapping", rules), nil
}

// exportBills writes canonical bills as an export of a billing system, and the mapping for it.
func exportBills(from, to, rules string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, 1<<20)
	head := "고객번호;성명;이메일;휴대폰;언어;통화;청구금액;납기일;납부방법;누적;발송일;시작;끝;수신방법"
	said := exportMapping
	for i := range exportItems {
		head += fmt.Sprintf(";항목%d;금액%d", i+1, i+1)
		said += fmt.Sprintf("  - {name: 항목%d, amount: 금액%d}\n", i+1, i+1)
	}
	fmt.Fprintf(buffered, "11월 청구 내역\n\n%s\n", head)
	if err := exportRows(csv.NewReader(bufio.NewReaderSize(in, 1<<20)), csv.NewWriter(buffered)); err != nil {
		return err
	}
	return errors.Join(buffered.Flush(), os.WriteFile(rules, []byte(said), 0o600))
}

func exportRows(in *csv.Reader, out *csv.Writer) error {
	out.Comma, in.ReuseRecord = ';', true
	column := map[string]int{}
	for n := 0; ; n++ {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			out.Flush()
			return out.Error()
		}
		if err != nil {
			return err
		}
		if n == 0 {
			for at, name := range row {
				column[name] = at
			}
			continue
		}
		made, err := exportRow(func(name string) string { return row[column[name]] })
		if err != nil {
			return err
		}
		if err := out.Write(made); err != nil {
			return err
		}
	}
}

func exportRow(of func(name string) string) ([]string, error) {
	language := map[string]string{"ko": "한국어", "en": "영어"}[of("language")]
	made := []string{
		of("customer_number"), of("name"), of("email"), strings.TrimPrefix(strings.ReplaceAll(of("phone"), "-", ""), "0"), language, of("currency"),
		signed(of("amount"), of("currency")), strings.ReplaceAll(of("due_date"), "-", "."), of("payment_method"), of("billed_before"), of("send_day"),
		of("quiet_from"), of("quiet_to"), of("channel_wish"),
	}
	var items []struct{ Name, Amount string }
	if text := of("items"); text != "" {
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return nil, err
		}
	}
	for i := range exportItems {
		if i < len(items) {
			made = append(made, items[i].Name, signed(items[i].Amount, of("currency")))
		} else {
			made = append(made, "", "")
		}
	}
	return made, nil
}

// signed writes an amount with its currency's sign and a comma between thousands.
func signed(amount, currency string) string {
	rest, negative := strings.CutPrefix(amount, "-")
	whole, fraction, point := strings.Cut(rest, ".")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if point {
		whole += "." + fraction
	}
	whole = map[string]string{"KRW": "₩", "USD": "$"}[currency] + whole
	if negative {
		return "(" + whole + ")"
	}
	return whole
}
