// Package steps_test runs the runner of CI's steps on steps of its own.
package steps_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

const script = `steps() { cat <<'LIST'
first  | 60 | cat
second | 60 | echo said on stderr >&2; false
third  |  1 | sleep 600
last   | 60 | echo "as a child of CI=$CI"
LIST
}
. "$(dirname "${BASH_SOURCE[0]}")/steps"
`

// run copies the runner beside a script, and runs that.
func run(t *testing.T, arguments ...string) (said string, code int) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), ".ci")
	runner, err := os.ReadFile("../../../steps")
	if err := errors.Join(err, os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(folder, "steps"), runner, 0o600), os.WriteFile(filepath.Join(folder, "run"), []byte(script), 0o600)); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join(folder, "run")}, arguments...)...).CombinedOutput()
	if exit, is := errors.AsType[*exec.ExitError](err); is {
		return string(output), exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	return string(output), 0
}

// One that reads its standard input must not read the names of the steps behind it.
func TestEveryStepRunsAndTheTableSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	said, code := run(t)
	table := `(?s)said on stderr.*as a child of CI=true.*\nfirst +passed +\d+\nsecond +FAILED +\d+\nthird +TIMEOUT +\d+\nlast +passed +\d+\nall +FAILED +\d+\n$`
	if code != 1 || !regexp.MustCompile(table).MatchString(said) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
}

func TestOnlyTheStepsThatAreNamedRun(t *testing.T) {
	t.Parallel()
	if said, code := run(t, "last", "first"); code != 0 || !regexp.MustCompile(`\nstep .*\nfirst +passed +\d+\nlast +passed +\d+\nall +passed +\d+\n$`).MatchString(said) {
		t.Errorf("exit code %d:\n%s", code, said)
	}
	if said, code := run(t, "last", "lost"); code != 2 || !regexp.MustCompile(`^no step is called lost; there are: first second third last \n$`).MatchString(said) {
		t.Errorf("one that is not there: exit code %d:\n%s", code, said)
	}
}
