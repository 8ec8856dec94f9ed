package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/analysis"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

// toolVariable tells a test's own program that go vet has called it as the tool.
const toolVariable = "LAYERCHECK_TEST_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(toolVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

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
			out, failed := vet(t, workspace)
			if !failed {
				t.Error("go vet did not fail")
			}
			for _, finding := range reported.FindAllStringSubmatch(out, -1) {
				where, says := finding[1], finding[2]
				i := slices.IndexFunc(wanted[where], func(text string) bool { return strings.Contains(says, text) })
				if i < 0 {
					t.Errorf("unexpected: %s: %s", where, says)
					continue
				}
				wanted[where] = slices.Delete(wanted[where], i, i+1)
			}
			for where, texts := range wanted {
				for _, text := range texts {
					t.Errorf("%s: no finding with %q in\n%s", where, text, out)
				}
			}
		})
	}
}

func TestASoundWorkspaceHasNoFinding(t *testing.T) {
	t.Parallel()
	if out, failed := vet(t, samples.Files(t, "testdata/sound.txtar")); failed || out != "" {
		t.Error(out)
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
	for _, rule := range []*analysis.Analyzer{environment, adapters, transactions} {
		if !strings.Contains(all.String(), `// want "[`+rule.Name+`]`) {
			t.Errorf("no fixture in testdata/broken wants rule %q", rule.Name)
		}
	}
}

func TestAWorkspaceWithoutPackagesIsAnError(t *testing.T) {
	t.Parallel()
	empty := map[string]string{"go.work": "go 1.26.0\n\nuse ./domain\n", "domain/go.mod": "module " + project + "/domain\n\ngo 1.26.0\n"}
	if out, failed := vet(t, empty); !failed {
		t.Fatalf("an empty workspace was accepted:\n%s", out)
	}
}

var reported = regexp.MustCompile(`(?m)^(?:vet: )?(?:\./)?(\S+\.go:\d+):\d+: (.*)$`)

// vet runs go vet over a workspace, with this test's program as its tool.
func vet(t *testing.T, workspace map[string]string) (out string, failed bool) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := samples.Write(t, workspace)
	command := exec.CommandContext(t.Context(), "go", "vet", "-vettool="+program, "work")
	command.Dir = root
	command.Env = append(os.Environ(), toolVariable+"=1", "GOWORK="+filepath.Join(root, "go.work"), "CGO_ENABLED=0", "GOFLAGS=")
	text, err := command.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited { //nolint:errorlint // exec returns it unwrapped
		t.Fatal(err)
	}
	return string(text), err != nil
}
