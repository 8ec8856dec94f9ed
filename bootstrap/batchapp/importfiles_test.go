package batchapp

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/domain/key"
)

const november = key.Month(2026*12 + 10)

func TestFilesAreNamedByFlagsAndBehindThem(t *testing.T) {
	t.Parallel()
	a := importArguments{month: november, zone: "UTC", files: []string{"one.csv"}}
	files, err := a.named(t.Context(), []string{"data/two.csv.zst"})
	if err != nil || len(files) != 2 || files[1].named.Name != "two.csv.zst" || files[0].rejects != "rejects.csv" || files[1].rejects != "data/rejects.csv" {
		t.Fatalf("%v, %v", files, err)
	}
	if _, err := (&importArguments{}).named(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "--file") {
		t.Errorf("no file: %v", err)
	}
	a.label = "november"
	if _, err := a.named(t.Context(), []string{"two.csv"}); err == nil || !strings.Contains(err.Error(), "--label") {
		t.Errorf("a label for two files: %v", err)
	}
}

func TestNoFileIsBegunWhereOneIsMissing(t *testing.T) {
	t.Parallel()
	a := importArguments{month: november, zone: "UTC"}
	files, err := a.named(t.Context(), []string{"importfiles_test.go", filepath.Join(t.TempDir(), "missing.csv")})
	if err != nil {
		t.Fatal(err)
	}
	if err := files.run(context.Background(), Import{}, io.Discard); err == nil || !strings.Contains(err.Error(), "missing.csv") {
		t.Fatal(err)
	}
}

func TestSeveralFilesAreAnsweredTogetherAndOneByOne(t *testing.T) {
	t.Parallel()
	files := importedFiles{{summary: importing.Summary{Rows: 3, Inserted: 3}}, {summary: importing.Summary{Rows: 2, Unchanged: 2}}}
	var out strings.Builder
	files.print(&out)
	if total := files.total(); total.Rows != 5 || total.Inserted != 3 || strings.Count(out.String(), "\n") != 3 {
		t.Fatalf("%+v\n%s", total, out.String())
	}
}

func TestTheAdviceAboutConflictsNamesNoFlagThatWasGiven(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]importArguments{
		"with --correct --reason … (it replaces bills that differ) or --allow-new --reason …":                                                                                                    {rejects: "r.csv"},
		"A row whose customer has no bill yet may have a mistyped number: correct it; the same import with --allow-new takes new customers. What was sent stays as it is; r.csv has each reason": {rejects: "r.csv", correct: true},
		"with --correct --reason …":                                            {rejects: "r.csv", allowNew: true},
		"The bills that are there can no longer change; r.csv has each reason": {rejects: "r.csv", correct: true, allowNew: true},
	} {
		if advice := a.conflictAdvice(); !strings.Contains(advice, want) {
			t.Errorf("correct %t, new %t: %q does not say %q", a.correct, a.allowNew, advice, want)
		}
	}
}
