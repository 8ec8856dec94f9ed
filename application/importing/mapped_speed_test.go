package importing

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing/mapping"
)

// BenchmarkMapped reads rows of an export and makes canonical ones of them; BenchmarkCanonical reads such rows.
func BenchmarkMapped(b *testing.B) {
	m := mapping.Mapping{Version: 1, File: mapping.Format{Separator: "semicolon"}, CallingCode: "82", Constants: map[string]string{"language": "ko"}}
	head, row := "", ""
	for _, c := range [][3]string{
		{"고객번호", "customer_number", "9945-%05d"},
		{"성명", "name", "이상식"},
		{"이메일", "email", "sangsik.lee2@example.org"},
		{"휴대폰", "phone", "1000007836"},
		{"통화", "currency", "KRW"},
		{"청구금액", "amount", "₩137,540"},
		{"납기일", "due_date", "2026.11.25"},
		{"납부방법", "payment_method", "계좌 자동이체"},
		{"사용량", "fields.kwh", "350"},
	} {
		m.Columns = append(m.Columns, mapping.Column{From: mapping.Names{c[0]}, To: c[1]})
		head, row = head+c[0]+";", row+c[2]+";"
	}
	for i := range 10 {
		name, amount := fmt.Sprintf("항목%d", i+1), fmt.Sprintf("금액%d", i+1)
		m.Items = append(m.Items, mapping.Item{Name: name, Amount: amount})
		head += name + ";" + amount + ";"
		if i < 5 {
			row += "영화 스트리밍;₩13,000;"
		} else {
			row += ";;"
		}
	}
	benchmarkRows(b, head+"\n", row+"\n", &m)
}

// BenchmarkCanonical is the same without a mapping.
func BenchmarkCanonical(b *testing.B) {
	items := strings.Repeat(`,{""name"":""영화 스트리밍"",""amount"":""13000""}`, 5)[1:]
	benchmarkRows(b, "customer_number,name,email,phone,currency,amount,due_date,payment_method,fields.kwh,items\n",
		"9945-%05d,이상식,sangsik.lee2@example.org,01000007836,KRW,137540,2026-11-25,계좌 자동이체,350,\"["+items+"]\"\n", nil)
}

func benchmarkRows(b *testing.B, head, row string, m *mapping.Mapping) {
	var file strings.Builder
	file.WriteString(head)
	for i := range 2000 {
		fmt.Fprintf(&file, row, i)
	}
	b.ReportAllocs()
	for n := 0; n < b.N; {
		rows := newRows(&Source{rows: strings.NewReader(file.String()), file: File{Mapping: m}})
		head, err := rows.header("")
		if err != nil {
			b.Fatal(err)
		}
		for ; n < b.N; n++ {
			next, err := rows.next()
			if errors.Is(err, io.EOF) {
				break
			}
			made := rows.canonical(next)
			reading := rowOf(head, made)
			if data := reading.data(Rules{}); len(reading.wrong) > 0 || data.Amount != 137540 || len(data.Items) != 5 {
				b.Fatalf("%+v %+v", reading.wrong, data)
			}
		}
	}
}

func rowOf(h header, made record) *row {
	return &row{header: h, fields: made.fields, wrong: made.faults}
}
