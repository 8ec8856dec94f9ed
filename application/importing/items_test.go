package importing

import (
	"encoding/json"
	"reflect"
	"testing"
)

// What the short way reads, the decoder reads too, and as the same.
func FuzzPlainItems(f *testing.F) {
	for _, text := range []string{
		`[{"name":"Calls","amount":"12.50"}]`, `[{"name":"전화","amount":"-3"},{"name":"B","amount":"0.05"}]`, `[]`, `[{"name":"","amount":""}]`,
		`[{"name":"A","amount":"1"},]`, `[{"name":"A","amount":"1"}`, `[{"name":"A","amount":"1"}] `, `[{"name":"A","amount":"01"}]`,
		`[{"name":"A\n","amount":"1"}]`, `[{"name":"A","amount":1}]`, `[{"name":"A","amount":"1e3"}]`, `[{"name":"A","amount":"1."}]`, `[{"name":"\ud800","amount":"1"}]`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		items, plain := plainItems(text)
		if !plain {
			return
		}
		var want []listedItem
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		if valid := string([]rune(text)) == text; valid && !reflect.DeepEqual(items, want) {
			t.Fatalf("%q is %v, not %v", text, want, items)
		}
	})
}

func TestTheFormThatProgramsWriteIsReadTheShortWay(t *testing.T) {
	t.Parallel()
	items, plain := plainItems(`[{"name":"Calls","amount":"12.50"},{"name":"할인","amount":"-3"}]`)
	if want := []listedItem{{"Calls", "12.50"}, {"할인", "-3"}}; !plain || !reflect.DeepEqual(items, want) {
		t.Fatalf("%v, %t", items, plain)
	}
}
