package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

const repository = "../../../.."

func TestTheWorkflowsKeepTheRules(t *testing.T) {
	t.Parallel()
	wrong, err := check(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range wrong {
		t.Error(sentence)
	}
}

func TestABrokenWorkflowIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, old, broken, want string }{
		{"ci.yaml", "runs-on: ubuntu-24.04", "runs-on: ubuntu-2404", `label "ubuntu-2404" is unknown`},
		{"ci.yaml", "      - run: .ci/run", "      - runs: .ci/run", `step must run script with "run" section`},
		{"ci.yaml", "hashFiles(", "hashFile(", `undefined function "hashFile"`},
		{"nightly.yaml", "${{ matrix.step }}", "${{ matrix.steps }}", `property "steps" is not defined`},
		{"nightly.yaml", `"0 17 * * *"`, `"0 25 * * *"`, "invalid CRON format"},
		{"release.yaml", "needs: [check, build]", "needs: [check, builds]", `needs job "builds" which does not exist`},
		{"release.yaml", "packages: write", "packages: writes", `"writes" is invalid as permission of scope "packages"`},
		{"release.yaml", " # v4.2.2", "", "actions/attest@1e69f48acb82d1966a394da916b4c1698aa569d6 is not pinned"},
		{"ci.yaml", "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "actions/checkout@v7", "actions/checkout@v7 is not pinned"},
		{"deploy.yaml", "shell: bash", "shell: sh", "its defaults have no shell bash"},
		{"deploy.yaml", "options: [as it is, ENABLED, DISABLED]", "options: [OFF]", `default value "as it is"`},
		{"deploy.yaml", "inputs.schedule !=", "inputs.scheduled !=", `property "scheduled" is not defined`},
		{"ci.yaml", "runs-on: ubuntu-24.04", "runs-on: ubuntu-latest", "runs on ubuntu-latest"},
		{"ci.yaml", "    timeout-minutes: 90\n", "", "run: has no timeout-minutes"},
		{"ci.yaml", "go-version: 1.26.8", "go-version: 1.26.7", "run: has Go 1.26.7, and the images another"},
		{"deploy/Dockerfile", "FROM golang:", "FROM golang@sha256:", "run: has Go 1.26.8, and no line FROM golang:VERSION-"},
		{"nightly.yaml", "migrations, bench]", "migrations]", "has the steps [run images fuzz model growth migrations], and .ci/nightly [run images fuzz model growth migrations bench]"},
	} {
		t.Run(test.file+" "+test.broken, func(t *testing.T) {
			t.Parallel()
			wrong, err := check(broken(t, test.file, test.old, test.broken))
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
}

func TestAStepWithAShellMistakeIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("`make workflows-check` brings shellcheck")
	}
	wrong, err := check(broken(t, "nightly.yaml", `.ci/nightly "$STEP"`, ".ci/nightly $STEP"))
	if all := strings.Join(wrong, "\n"); err != nil || !strings.Contains(all, "SC2086") {
		t.Errorf("found %q (%v)", all, err)
	}
}

func TestNobodyCanUseAWorkflowForWhatItIsNotFor(t *testing.T) {
	t.Parallel()
	zizmor := os.Getenv("BALSONG_TEST_ZIZMOR")
	if zizmor == "" {
		t.Skip("`make workflows-check` brings zizmor")
	}
	audit := func(t *testing.T, root string) (said string, err error) {
		t.Helper()
		output, err := exec.CommandContext(t.Context(), zizmor, "--offline", "--no-progress", "--format=github", filepath.Join(root, ".github/workflows")).CombinedOutput()
		return string(output), err
	}
	if said, err := audit(t, repository); err != nil {
		t.Errorf("%v: %s", err, said)
	}
	for _, test := range []struct{ file, old, broken, want string }{
		{"ci.yaml", "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae", "actions/cache@v5", "unpinned-uses"},
		{"ci.yaml", "persist-credentials: false, ", "", "artipacked"},
		{"nightly.yaml", "permissions: { contents: read }", "permissions: write-all", "excessive-permissions"},
		{"ci.yaml", "  pull_request:", "  pull_request_target:", "dangerous-triggers"},
		{"ci.yaml", "run: .ci/run", `run: .ci/run "${{ github.head_ref }}"`, "template-injection"},
		{"deploy.yaml", `upgrade.sh "$VERSION"`, `upgrade.sh "${{ inputs.version }}"`, "template-injection"},
		{"deploy.yaml", "e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6", "unpinned-uses"},
		{"release.yaml", ", cache: false }", " }", "cache-poisoning"},
		{"release.yaml", "TOKEN: ${{ github.token }}", "TOKEN: ${{ toJSON(secrets) }}", "overprovisioned-secrets"},
	} {
		t.Run(test.file+" "+test.broken, func(t *testing.T) {
			t.Parallel()
			if said, err := audit(t, broken(t, test.file, test.old, test.broken)); err == nil || !strings.Contains(said, test.want) {
				t.Errorf("found %q (%v), wanted %q", said, err, test.want)
			}
		})
	}
}

// broken is a directory of links to the repository, with one file changed: a workflow, or one by its whole name.
func broken(t *testing.T, file, old, changed string) (root string) {
	t.Helper()
	if !strings.Contains(file, "/") {
		file = ".github/workflows/" + file
	}
	return samples.Broken(t, repository, samples.Change{File: file, Old: old, New: changed}, ".github", ".ci", "deploy")
}
