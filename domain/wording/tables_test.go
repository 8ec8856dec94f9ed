package wording_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"
	"unicode"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/wording"
)

// row is an entry of any table.
type row struct{ code, english, korean string }

func rows[C ~string](table wording.Table[C]) (all []row) {
	for _, e := range table {
		all = append(all, row{string(e.Code), e.English, e.Korean})
	}
	return all
}

// constants counts the constants of a type in a file, whether declared with the type or converted to it.
func constants(t *testing.T, file, name string) (n int) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	is := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == name
	}
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, value := range spec.Values {
			call, converted := value.(*ast.CallExpr)
			if is(spec.Type) || (converted && is(call.Fun)) {
				n++
			}
		}
		return true
	})
	return n
}

func TestEveryCodeHasItsTextInBothLanguages(t *testing.T) {
	t.Parallel()
	word := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, table := range []struct {
		file, name string
		rows       []row
	}{
		{"../attempt/reason.go", "Reason", rows(attempt.ReasonTable)},
		{"../attempt/reason.go", "FailureClass", rows(attempt.FailureClassTable)},
		{"../billing/reason.go", "Rule", rows(billing.RuleTable)},
		{"../billing/reason.go", "SkipReason", rows(billing.SkipReasonTable)},
		{"../billing/reason.go", "PauseReason", rows(billing.PauseReasonTable)},
	} {
		if n := constants(t, table.file, table.name); n == 0 || n != len(table.rows) {
			t.Errorf("%s has %d constants and %d entries in its table", table.name, n, len(table.rows))
		}
		seen := map[string]bool{}
		for _, r := range table.rows {
			if !word.MatchString(r.code) || seen[r.code] {
				t.Errorf("%s: the code %q is no word of its own", table.name, r.code)
			}
			seen[r.code] = true
			if r.english == "" || !slices.ContainsFunc([]rune(r.korean), func(c rune) bool { return unicode.Is(unicode.Hangul, c) }) {
				t.Errorf("%s: %q lacks a text: %q, %q", table.name, r.code, r.english, r.korean)
			}
		}
	}
}

func TestARuleLeadsToOneDecision(t *testing.T) {
	t.Parallel()
	for _, rule := range billing.RuleTable.Codes() {
		if rule.Kind() == "" {
			t.Errorf("the rule %q leads to no decision", rule)
		}
		if pause := rule.Pause(); (rule.Kind() == billing.Pausing) != slices.Contains(billing.PauseReasons, pause) {
			t.Errorf("the rule %q is a %s and pauses for %q", rule, rule.Kind(), pause)
		}
	}
	if unknown := billing.Rule("other"); unknown.Kind() != "" || unknown.Pause() != "" || unknown.Text().English != "other" {
		t.Errorf("an unknown rule is %q, %q, %v", unknown.Kind(), unknown.Pause(), unknown.Text())
	}
}
