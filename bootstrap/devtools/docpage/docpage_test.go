package docpage_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/docpage"
)

func TestOnlyWhatIsBetweenTheMarksIsReplaced(t *testing.T) {
	t.Parallel()
	part := docpage.Part{Name: "numbers", Command: "count"}
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte("before\n<!-- numbers: written by `count` --> old <!-- end of numbers -->\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := part.Write(file, "1, 2\n"); err != nil {
			t.Fatal(err)
		}
	}
	const want = "before\n<!-- numbers: written by `count` -->\n1, 2\n<!-- end of numbers -->\nafter\n"
	if page, err := os.ReadFile(file); err != nil || string(page) != want {
		t.Errorf("%q (%v)", page, err)
	}
	for _, page := range []string{"", "<!-- end of numbers --> <!-- numbers: written by `count` -->", "<!-- numbers: written by `count` -->"} {
		if _, err := part.Replace(page, ""); !errors.Is(err, docpage.ErrNoPlace) {
			t.Errorf("%q: %v", page, err)
		}
	}
}
