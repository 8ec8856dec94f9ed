package answer_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/window"
)

func TestTheActsOnACustomerAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "C-1", "C-2")
	w.has(november+1, "C-1")
	kim := port.Act{Actor: "kim", Reason: "a test", ApprovedBy: "lee", At: w.clock.Now()}
	for _, subject := range []string{"2026-11/1", "2026-11/2", "2026-12/1", "2026-11 customer C-1", "2026-11 of customer C-1, by SMS", "user 1 on SMS", "user 2 on SMS", "2026-11"} {
		w.must(w.store.Audit().Record(t.Context(), port.AuditEntry{Action: port.ActionCancel, Subject: subject, By: kim}))
	}
	list := func(f answer.ActsFilter, limit int) (ids string, next int64) {
		page, err := answer.New(w.ports).Acts(t.Context(), f, limit)
		w.must(err)
		for _, a := range page.Acts {
			ids += fmt.Sprint(a.ID, " ")
		}
		return ids, page.Next
	}
	if ids, next := list(answer.ActsFilter{Customer: "c-1"}, 3); ids != "6 5 4 " || next != 4 {
		t.Errorf("the first page is %q, then %d", ids, next)
	}
	if ids, next := list(answer.ActsFilter{Customer: "c-1", Before: 4}, 3); ids != "3 1 " || next != 0 {
		t.Errorf("the second page is %q, then %d", ids, next)
	}
	if ids, _ := list(answer.ActsFilter{Customer: "C-1", Month: november}, 9); ids != "6 5 4 1 " {
		t.Errorf("those of the month are %q", ids)
	}
	if ids, _ := list(answer.ActsFilter{Actor: "lee"}, 9); ids != "8 7 6 5 4 3 2 1 " {
		t.Errorf("those that lee is noted for are %q", ids)
	}
	if _, err := answer.New(w.ports).Acts(t.Context(), answer.ActsFilter{Customer: "C-9"}, 9); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("the acts on nobody: %v", err)
	}
}

// seoul activates a policy whose zone is Seoul's.
func (w *world) seoul() {
	w.Helper()
	zone, err := window.Zone("Asia/Seoul")
	w.must(err)
	lee := port.Act{Actor: "lee", Reason: "first", At: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	version, err := w.store.Policies().Draft(w.Context(), policy.Spec{Name: "monthly", Zone: zone, Route: policy.Route{{Channel: channel.Email, Tries: 1}}}, lee)
	w.must(err)
	w.must(w.store.Policies().Activate(w.Context(), version.Ref(), lee))
}

func TestDaysOfATimeRangeAreInTheShownZoneAndTheLastOneIsWithinIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.seoul() // acts 1 and 2
	for _, at := range []string{"2026-10-31T14:59:59Z", "2026-10-31T15:00:00Z", "2026-11-01T14:59:59.999999Z", "2026-11-01T15:00:00Z"} {
		instant, err := time.Parse(time.RFC3339, at)
		w.must(err)
		w.must(w.store.Audit().Record(t.Context(), port.AuditEntry{Action: port.ActionHalt, Subject: "everything", By: port.Act{Actor: "kim", Reason: at, At: instant}}))
	}
	for name, c := range map[string]struct{ since, until, ids string }{
		"a day":                 {"2026-11-01", "2026-11-01", "5 4 "},
		"from a day on":         {"2026-11-01", "", "6 5 4 "},
		"to a day":              {"", "2026-11-01", "5 4 3 2 1 "},
		"instants of any zone":  {"2026-10-31T15:00:00Z", "2026-11-02T00:00:00+09:00", "5 4 "},
		"a day, and an instant": {"2026-11-01", "2026-11-01T14:59:59Z", "4 "},
	} {
		var f answer.ActsFilter
		var err error
		for text, bound := range map[string]*answer.Bound{c.since: &f.Since, c.until: &f.Until} {
			if text != "" {
				*bound, err = answer.ParseBound(text)
				w.must(err)
			}
		}
		if c.since == c.until {
			f.Since = f.Until
		}
		page, err := answer.New(w.ports).Acts(t.Context(), f, 9)
		ids := ""
		for _, a := range page.Acts {
			ids += fmt.Sprint(a.ID, " ")
			if a.At.Location() != time.UTC {
				t.Errorf("%s: a program reads %s", name, a.At)
			}
		}
		if err != nil || ids != c.ids || page.Location().String() != "Asia/Seoul" {
			t.Errorf("%s: %q in %s, want %q (%v)", name, ids, page.Zone, c.ids, err)
		}
	}
	before, _ := answer.ParseBound("2026-10-31")
	after, _ := answer.ParseBound("2026-11-01")
	if _, err := answer.New(w.ports).Acts(t.Context(), answer.ActsFilter{Since: after, Until: before}, 9); !errors.Is(err, answer.ErrRange) {
		t.Errorf("a range that ends before it begins: %v", err)
	}
}

// actionsOf counts the constants that are actions, by their type or by what makes their value.
func actionsOf(spec *ast.ValueSpec) int {
	isAction := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && id.Name == "Action"
	}
	made := slices.ContainsFunc(spec.Values, func(value ast.Expr) bool {
		call, ok := value.(*ast.CallExpr)
		return ok && isAction(call.Fun)
	})
	if made || isAction(spec.Type) {
		return len(spec.Names)
	}
	return 0
}

func TestAnActNamesTheCustomerByNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.has(november, "C-1", "C-2")
	kim := port.Act{Actor: "kim", Reason: "a test", At: w.clock.Now()}
	copied := key.Target{Month: november, UserID: 2}.Copy(1)
	for _, subject := range []string{"2026-11/1", copied.String(), "user 2 on SMS", "2026-11", "everything", "user 99 on SMS"} {
		w.must(w.store.Audit().Record(t.Context(), port.AuditEntry{Action: port.ActionPause, Subject: subject, By: kim}))
	}
	page, err := answer.New(w.ports).Acts(t.Context(), answer.ActsFilter{}, 9)
	w.must(err)
	var named []string
	for _, a := range slices.Backward(page.Acts) {
		named = append(named, a.Customer)
	}
	if want := []string{"C-1", "C-2", "C-2", "", "", ""}; !slices.Equal(named, want) {
		t.Errorf("the acts are on %q, want %q", named, want)
	}
}

// An action that is not in the list cannot be asked for.
func TestEveryActionIsListed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../port/*.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if constants, ok := d.(*ast.GenDecl); ok && constants.Tok == token.CONST {
				for _, spec := range constants.Specs {
					declared += actionsOf(spec.(*ast.ValueSpec))
				}
			}
		}
	}
	if listed := slices.Compact(slices.Sorted(slices.Values(port.Actions))); declared != len(listed) {
		t.Errorf("%d actions are declared and %d listed", declared, len(listed))
	}
}
