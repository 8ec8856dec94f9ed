package importing_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"testing"

	"github.com/balsong/balsong/application/importing"
)

// FuzzImport: whatever follows the header, every row is counted once, what was refused stands in a well-formed
// rejects.csv and in the store, and the same file again changes nothing.
func FuzzImport(f *testing.F) {
	whole := file(good())
	f.Add([]byte(whole))
	f.Add([]byte(whole + "C-2,\"kim\n" + whole))
	f.Add([]byte("customer_number,currency,amount,due_date\nC,KRW,1,2026-11-25\nD,KRW,\"1\n2\",2026-11-25\n,,,\n\x00,\xff,\",\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b := setup(t)
		var rejects bytes.Buffer
		o := options()
		o.Rejects = &rejects
		got, err := b.importRows(t.Context(), bytes.NewReader(data), o)
		if errors.Is(err, importing.ErrHeader) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		noted, err := b.store.Report().Funnel(t.Context(), november)
		// A customer's bad row is resolved by a good one; rows of a rejects.csv may claim the same place.
		if n := noted.Rejected + noted.Resolved; err != nil || got.Rows != got.Inserted+got.Rejected ||
			n > got.Rejected || n < got.Rejected && !bytes.Contains(bytes.ToLower(data), []byte("reject_")) {
			t.Fatalf("%+v, noted are %+v, %v", got, noted, err)
		}
		reader := csv.NewReader(&rejects)
		reader.FieldsPerRecord = -1
		rows, err := reader.ReadAll()
		if err != nil || (got.Rejected > 0 && len(rows) != got.Rejected+1) {
			t.Fatalf("%d refused, %d rows in rejects.csv: %v", got.Rejected, len(rows), err)
		}
		again, err := b.importRows(t.Context(), bytes.NewReader(data), options())
		if err != nil || again.Unchanged != got.Inserted || again.Rejected+again.Resolved != got.Rejected {
			t.Fatalf("again: %+v after %+v, %v", again, got, err)
		}
	})
}
