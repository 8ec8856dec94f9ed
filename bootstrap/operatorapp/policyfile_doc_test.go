package operatorapp

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

const policyPage = "../../docs/operations/policy.md"

func TestThePageOfThePolicyFileNamesEveryFieldAndItsExampleWorks(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(policyPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(content)
	for _, field := range fileFields(reflect.TypeFor[policyFile](), "") {
		if !strings.Contains(page, "| `"+field+"` |") {
			t.Errorf("%s has no row for %s", policyPage, field)
		}
	}
	_, example, _ := strings.Cut(page, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if _, err := ReadPolicy(strings.NewReader(example)); err != nil {
		t.Error(err)
	}
	for _, field := range fileFields(reflect.TypeFor[policyFile](), "") {
		if name := field[strings.LastIndex(field, ".")+1:]; !strings.Contains(example, `"`+name+`":`) {
			t.Errorf("the example has no %s", field)
		}
	}
}

// fileFields are the names of a struct's fields in JSON, with those of the objects in it.
func fileFields(t reflect.Type, prefix string) (names []string) {
	for i := range t.NumField() {
		field := t.Field(i)
		name := prefix + field.Tag.Get("json")
		names = append(names, name)
		inner := field.Type
		switch inner.Kind() {
		case reflect.Pointer:
			inner = inner.Elem()
		case reflect.Slice:
			inner, name = inner.Elem(), name+"[]"
		case reflect.Map:
			inner = inner.Elem()
		default: // a value, or an object
		}
		switch {
		case inner == reflect.TypeFor[backoffFile]():
			names = append(names, fileFields(inner, "….")...)
		case inner.Kind() == reflect.Struct:
			names = append(names, fileFields(inner, name+".")...)
		}
	}
	return names
}
