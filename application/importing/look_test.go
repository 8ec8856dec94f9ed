package importing_test

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
)

// lookAt looks at a text with the shipped table of names.
func lookAt(t *testing.T, text string, answers mapping.Answers) importing.Looked {
	t.Helper()
	l, err := importing.Look(strings.NewReader(text), importing.File{Name: "x.csv"}, importing.LookOptions{Table: mapping.ShippedNames(), Answers: answers})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// made are the rows of billing data that the look's mapping makes of a text.
func made(t *testing.T, text string, l importing.Looked) string {
	t.Helper()
	if problems := importing.CheckMapping(l.Proposal.Mapping); len(problems) > 0 || len(l.Proposal.Questions) > 0 {
		t.Fatalf("after the look there are %v, %+v", problems, l.Proposal.Questions)
	}
	rows, err := importing.Mapped(strings.NewReader(text), importing.File{Name: "x.csv", Mapping: &l.Proposal.Mapping, AllowUnterminated: true})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// has fails where a text lacks parts.
func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
}

// While the currency is open, each remark was counted twice.
func TestALookCountsARemarkOnceWhileTheCurrencyIsOpen(t *testing.T) {
	t.Parallel()
	l := lookAt(t, "Customer No,Mobile,Amount,Due Date\n1,02-123-4567,100,2026-11-25\n2,02-123-4568,200,2026-11-26\n", mapping.Answers{})
	if len(l.Remarks) == 0 || l.Good != 2 {
		t.Fatalf("%+v", l)
	}
	for _, r := range l.Remarks {
		if r.Rows != 2 {
			t.Errorf("%+v", r)
		}
	}
}

// The rows of one bill with two numbers were good in the look, and refused by the import.
func TestALookTakesNoBillForGoodWhoseRowsDifferInAnAddress(t *testing.T) {
	t.Parallel()
	text := "고객번호,휴대폰,항목명,항목금액,납기일\n1,010-1111-2222,통화료,\"1,000\",2026.11.25\n1,010-1111-3333,기본료,\"2,000\",2026.11.25\n"
	l := lookAt(t, text, mapping.Answers{})
	if l.Rows != 1 || l.Good != 0 || len(l.Faults) != 1 || !strings.Contains(l.Faults[0], "differs between the rows of one bill") {
		t.Errorf("%d of %d, %q", l.Good, l.Rows, l.Faults)
	}
}
