package importing_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/domain/billing"
)

// The first mapping was kept although no bill was made with it, and the corrected one was refused as another mapping.
func TestAMonthKeepsNoMappingWithWhichNoBillWasImported(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const text = "번호;금액;납기;kWh\nA;1.234,50;25.11.2026;7\nB;99,90;25.11.2026;9\n"
	mapped := func(change func(*mapping.Mapping)) call {
		m := someMapping()
		change(&m)
		o := options()
		o.File.Mapping, o.File.MappingName = &m, "november.yaml"
		return o
	}
	wrong := mapped(func(m *mapping.Mapping) { m.Dates = "mdy" })
	if got, _ := b.refuseFile(t, text, wrong); got.Rejected != 2 {
		t.Fatalf("%+v", got)
	}
	if kept, err := b.store.Mappings().Of(t.Context(), november); err != nil || len(kept) != 0 {
		t.Errorf("kept is %+v, %v", kept, err)
	}
	if got, rejects := b.refuseFile(t, text, mapped(func(*mapping.Mapping) {})); got.Inserted != 2 {
		t.Fatalf("%+v %s", got, rejects)
	}
	if kept, err := b.store.Mappings().Of(t.Context(), november); err != nil || len(kept) != 1 {
		t.Errorf("kept is %+v, %v", kept, err)
	}
	if _, err := b.importFile(t.Context(), strings.NewReader(text), wrong); !errors.Is(err, billing.ErrRefused) || !strings.Contains(err.Error(), "differ in dates") && !strings.Contains(err.Error(), "another mapping") {
		t.Errorf("another mapping than that of the bills: %v", err)
	}
}
