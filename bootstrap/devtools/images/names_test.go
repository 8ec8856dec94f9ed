package images

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Scripts, workflows and guides that go through the images cannot ask this package: they must name all of them.
func TestEveryListOfTheImagesHasAllOfThem(t *testing.T) {
	t.Parallel()
	list := regexp.MustCompile(`(?m)^\s*for (?:image|command) in ([a-z -]+);`)
	found := 0
	for _, file := range []string{".ci/release", ".github/workflows/release.yaml", ".github/workflows/deploy.yaml", "docs/guides/first-month-on-aws.md"} {
		text, err := os.ReadFile(filepath.Join(repository, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range list.FindAllStringSubmatch(string(text), -1) {
			found++
			if names := strings.Fields(match[1]); !slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(Commands))) {
				t.Errorf("%s: %q, and there are %q", file, names, Commands)
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d lists were found", found)
	}
}
