package demodata_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/domain/key"
)

func november(t testing.TB) key.Month {
	t.Helper()
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	return month
}

func TestEveryCustomerOfTheSampleDataIsImportedAndRendered(t *testing.T) {
	t.Parallel()
	month := november(t)
	clock, log := memory.NewClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)), &memory.Log{}
	store, packs, cipher, watch := memory.NewStore(clock), memory.NewPacks(), memory.NewCipher(), outage.New(clock, log)
	canonical, err := demodata.Bills(demodata.Telco(), month)
	if err != nil {
		t.Fatal(err)
	}
	var rejects bytes.Buffer
	importer := importing.New(importing.Ports{
		Months: store.Months(), Imports: store.Imports(), Past: store.PastImports(), Corrections: store.Corrections(), Cipher: cipher, Clock: clock, Watch: watch,
	})
	source := importing.NewSource(importing.File{Name: "telco-customer-churn.csv"}, canonical)
	imported, err := importer.Import(t.Context(), source, importing.Options{
		Rules: importing.Rules{Month: month, NotBefore: clock.Now(), Zone: time.UTC}, Rejects: &rejects,
	})
	if err != nil || imported != (importing.Summary{Rows: 7043, Inserted: 7043}) {
		t.Fatalf("%+v, %v\n%.500s", imported, err, rejects.String())
	}
	rendered, err := rendering.NewRenderer(rendering.Ports{Renders: store.Renders(), Sets: store.TemplateSets(), Packs: packs, Cipher: cipher, Clock: clock, Watch: watch}, rendering.Options{AllowSample: true}).Render(t.Context(), month)
	if err != nil || rendered.Rendered != 7043 || rendered.Failed != 0 || rendered.Packs != 8 {
		t.Fatalf("%+v, %v", rendered, err)
	}
	t.Logf("%d bytes a statement", rendered.Bytes/7043)
}
