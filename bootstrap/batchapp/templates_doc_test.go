package batchapp_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
)

var update = flag.Bool("update", false, "write the list of fields anew")

const (
	guide = "../../docs/operations/templates.md"
	begin = "<!-- fields: written by `make docs` -->\n"
	end   = "<!-- end of fields -->"
)

// asCode finds what a template says, from the first {{ to the last }}.
var asCode = regexp.MustCompile(`\{\{.*\}\}`)

func TestTheGuideToTemplatesIsFresh(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), begin)
	_, after, foundToo := strings.Cut(rest, end)
	if !found || !foundToo {
		t.Fatalf("%s has no place for the list of fields", guide)
	}
	var table strings.Builder
	table.WriteString("| field | is | meaning |\n|---|---|---|\n")
	for _, field := range rendering.Fields() {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", field.Name, field.Type, asCode.ReplaceAllString(field.Meaning, "`$0`"))
	}
	want := before + begin + table.String() + end + after
	if *update {
		if err := os.WriteFile(guide, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(content) != want {
		t.Errorf("%s is stale: run `make docs`", guide)
	}
	err = fs.WalkDir(rendering.ShippedFiles(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.Contains(want, path.Base(name)) {
			t.Errorf("%s does not name %s", guide, name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
