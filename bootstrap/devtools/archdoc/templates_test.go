package archdoc_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/devtools/docpage"
)

const guide = root + "/docs/operations/templates.md"

// asCode finds what a template says, from the first {{ to the last }}.
var asCode = regexp.MustCompile(`\{\{.*\}\}`)

func TestTheGuideToTemplatesIsFresh(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| field | is | meaning |\n|---|---|---|\n")
	for _, field := range rendering.Fields() {
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", field.Name, field.Type, asCode.ReplaceAllString(field.Meaning, "`$0`"))
	}
	fields := docpage.Part{Name: "fields", Command: "make docs"}
	if *update {
		if err := fields.Write(guide, table.String()); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	if want, err := fields.Replace(string(page), table.String()); err != nil || string(page) != want {
		t.Errorf("%s is stale (%v): run `make docs`", guide, err)
	}
	err = fs.WalkDir(rendering.ShippedFiles(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.Contains(string(page), path.Base(name)) {
			t.Errorf("%s does not name %s", guide, name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
