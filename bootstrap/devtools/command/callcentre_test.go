package command_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/core"
)

// commandsOf are the commands of a guide: the lines of its indented blocks.
func commandsOf(t *testing.T, guide string) (commands []string) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/guides/" + guide)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "    balsong "); ok {
			commands = append(commands, strings.TrimSpace(command))
		}
	}
	return commands
}

// The commands of the call centre's page do what it says, for a bill that was not sent: of such a one there is no copy.
func TestTheCommandsOfTheCallCentreWorkAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	commands := commandsOf(t, "call-centre.md")
	if korean := commandsOf(t, "call-centre.ko.md"); len(commands) < 10 || !slices.Equal(commands, korean) {
		t.Fatalf("the English page has the commands\n%s\nand the Korean one\n%s", strings.Join(commands, "\n"), strings.Join(korean, "\n"))
	}
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", h.file("bills.csv", strings.ReplaceAll(twoBills, "C-001", "7590-VHVEG")))
	h.says(core.ExitOK, "batch", "render", "--month", "2026-11", "--sender", "Kim Telecom")
	for _, command := range commands {
		want := core.ExitOK
		if strings.HasPrefix(command, "target copy") {
			want = core.ExitRefused
		}
		cmd := exec.CommandContext(h.Context(), "sh", "-c", program(t, "balsong")+" "+command)
		cmd.Env, cmd.Dir, cmd.Stdin = h.environment, h.dir, strings.NewReader("new@example.com\n")
		said, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != want {
			t.Errorf("balsong %s: %v, exit code %d, want %d:\n%s", command, err, code, want, said)
		}
	}
}
