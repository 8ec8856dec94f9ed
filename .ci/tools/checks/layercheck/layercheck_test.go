package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

// Each archive in testdata lays files over testdata/sound, a small workspace without a finding.
// A comment `// want "…"` in a file stands for one finding on its line that contains the text, the rule's name included.
func TestEachBreachIsFoundAtItsLine(t *testing.T) {
	t.Parallel()
	sound := samples.Files(t, "testdata/sound.txtar")
	broken, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(broken) < 5 {
		t.Fatalf("fixtures in testdata/broken: %d found, error %v", len(broken), err)
	}
	for _, archive := range broken {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			t.Parallel()
			workspace := maps.Clone(sound)
			maps.Copy(workspace, samples.Files(t, archive))
			wanted := samples.Wants(workspace)
			if len(wanted) == 0 {
				t.Fatal("the fixture wants no finding: it cannot fail")
			}
			found := checkFiles(t, workspace)
			for _, finding := range found.findings {
				where := fmt.Sprintf("%s:%d", finding.position.Filename, finding.position.Line)
				i := slices.IndexFunc(wanted[where], func(text string) bool { return strings.Contains(finding.String(), text) })
				if i < 0 {
					t.Errorf("unexpected: %s", finding)
					continue
				}
				wanted[where] = slices.Delete(wanted[where], i, i+1)
				if finding.do == "" {
					t.Errorf("%s does not say what to do", finding)
				}
			}
			for where, texts := range wanted {
				for _, text := range texts {
					t.Errorf("%s: no finding with %q", where, text)
				}
			}
		})
	}
}

func TestASoundWorkspaceHasNoFinding(t *testing.T) {
	t.Parallel()
	found := checkFiles(t, samples.Files(t, "testdata/sound.txtar"))
	for _, finding := range found.findings {
		t.Error(finding)
	}
	if found.packages < 10 {
		t.Errorf("looked at %d packages of the sound workspace, it has more: the check looks past them", found.packages)
	}
}

func TestEveryRuleHasABrokenFixture(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	broken, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, archive := range broken {
		text, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	for _, rule := range allRules {
		if !strings.Contains(all.String(), `// want "[`+rule.name+`]`) {
			t.Errorf("no fixture in testdata/broken wants rule %q", rule.name)
		}
	}
}

func TestAWorkspaceWithoutPackagesIsAnError(t *testing.T) {
	t.Parallel()
	dir := samples.Write(t, map[string]string{"go.work": "go 1.26.0\n\nuse ./domain\n", "domain/go.mod": "module " + project + "/domain\n\ngo 1.26.0\n"})
	if found, err := check(dir); err == nil {
		t.Fatalf("an empty workspace was accepted: %d packages", found.packages)
	}
}

func checkFiles(t *testing.T, workspace map[string]string) *report {
	t.Helper()
	found, err := check(samples.Write(t, workspace))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
