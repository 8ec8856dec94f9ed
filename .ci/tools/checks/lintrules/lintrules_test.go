package lintrules

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

// The linter is built by `make lint`, which sets this to its path; elsewhere there is nothing to try.
const linterVariable = "BALSONG_TEST_GOLANGCI_LINT"

// Each archive in testdata/broken lays files over layercheck's sound workspace. A comment `// want "…"` stands for one finding
// on its line that contains the text.
func TestEachBreachIsFoundAtItsLine(t *testing.T) {
	t.Parallel()
	broken, err := filepath.Glob("testdata/broken/*.txtar")
	if err != nil || len(broken) < 6 {
		t.Fatalf("%d samples, error %v", len(broken), err)
	}
	for _, archive := range append(broken, "") {
		t.Run(strings.TrimSuffix(filepath.Base(archive), ".txtar"), func(t *testing.T) {
			t.Parallel()
			workspace := samples.Files(t, "../layercheck/testdata/sound.txtar")
			if archive != "" {
				maps.Copy(workspace, samples.Files(t, archive))
			}
			wanted := samples.Wants(workspace)
			if archive != "" && len(wanted) == 0 {
				t.Fatal("the sample wants no finding: it cannot fail")
			}
			for where, texts := range lint(t, workspace) {
				for _, text := range texts {
					i := slices.IndexFunc(wanted[where], func(want string) bool { return strings.Contains(text, want) })
					if i < 0 {
						t.Errorf("%s: unexpected: %s", where, text)
						continue
					}
					wanted[where] = slices.Delete(wanted[where], i, i+1)
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

var reported = regexp.MustCompile(`(?m)^(\S+\.go):(\d+):\d+: (.*)$`)

// lint runs the project's own rules over each module, and returns what they say by "file:line".
func lint(t *testing.T, workspace map[string]string) map[string][]string {
	t.Helper()
	linter := os.Getenv(linterVariable)
	if linter == "" {
		t.Skip("run by `make lint`, which builds the linter")
	}
	config, err := filepath.Abs("../../../../.golangci.yml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	root := samples.Write(t, workspace)
	if err := os.WriteFile(filepath.Join(root, ".golangci.yml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for name := range workspace {
		module, isModule := strings.CutSuffix(name, "/go.mod")
		if !isModule || strings.HasPrefix(module, "third/") {
			continue
		}
		command := exec.CommandContext(t.Context(), linter, "run", "--allow-parallel-runners", "--enable-only", "depguard,forbidigo", "--show-stats=false", "--output.text.print-issued-lines=false", "./...")
		command.Dir = filepath.Join(root, module)
		command.Env = append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "GOFLAGS=", "CGO_ENABLED=0")
		out, err := command.CombinedOutput()
		if exit, ok := err.(*exec.ExitError); err != nil && (!ok || exit.ExitCode() != 1) { //nolint:errorlint // exec returns it unwrapped
			t.Fatalf("lint %s: %v\n%s", module, err, out)
		}
		for _, match := range reported.FindAllStringSubmatch(string(out), -1) {
			where := filepath.ToSlash(filepath.Join(module, match[1])) + ":" + match[2]
			if strings.HasPrefix(match[1], module) {
				where = match[1] + ":" + match[2]
			}
			found[where] = append(found[where], match[3])
		}
	}
	return found
}
