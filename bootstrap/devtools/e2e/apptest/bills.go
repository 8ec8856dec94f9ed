package apptest

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// Batch starts the batch until the test ends, migrates the database, and makes a policy ACTIVE.
func Batch(t *testing.T, spec policy.Spec, by port.Act) (batch wholebatch.Batch) {
	t.Helper()
	t.Cleanup(Start(t, fx.Options(wholebatch.Options(Load[wholebatch.Config](t)), fx.Invoke(func(b wholebatch.Batch) { batch = b }))))
	if err := batch.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	drafted, err := batch.Policies.Draft(t.Context(), spec, by)
	if err == nil {
		err = batch.Policies.Activate(t.Context(), drafted.Ref(), by)
	}
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// Bill is a row of billing data: values by column. What it leaves out and every bill has, such as an amount, Bills adds.
type Bill map[string]string

// Bills imports and renders bills of a month. The templates may be nil: those that are shipped.
func Bills(t *testing.T, batch wholebatch.Batch, month key.Month, templates *rendering.Templates, bills []Bill) {
	t.Helper()
	var file bytes.Buffer
	out := csv.NewWriter(&file)
	_ = out.Write(importing.Columns) // a buffer takes everything
	for _, bill := range bills {
		row := make([]string, len(importing.Columns))
		for column, usual := range map[string]string{"currency": "KRW", "amount": "12300", "due_date": month.String() + "-25", "language": "ko"} {
			row[slices.Index(importing.Columns, column)] = usual
		}
		for column, value := range bill {
			i := slices.Index(importing.Columns, column)
			row[i] = cmp.Or(value, row[i])
		}
		_ = out.Write(row)
	}
	out.Flush()
	imported, err := batch.Importer.Import(t.Context(), importing.NewSource(importing.File{Name: "bills.csv"}, &file), importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: time.Now().Add(-time.Minute), Zone: time.UTC}, Rejects: io.Discard,
	})
	if err != nil || imported.Inserted != len(bills) {
		t.Fatalf("%d of %d bills imported: %v (has each channel a destination in application/importing?)", imported.Inserted, len(bills), err)
	}
	rendered, err := batch.Renderer(rendering.Options{AllowSample: true, Templates: templates}).Render(t.Context(), month)
	if err != nil || rendered.Rendered != len(bills) {
		t.Fatalf("%d of %d bills rendered: %v", rendered.Rendered, len(bills), err)
	}
}
