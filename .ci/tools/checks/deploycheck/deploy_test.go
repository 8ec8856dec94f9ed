package deploycheck

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const repository = "../../../.."

func TestEverythingThatDeployNamesExists(t *testing.T) {
	t.Parallel()
	wrong, err := check(repository)
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range wrong {
		t.Error(sentence)
	}
}

func TestAWrongNameIsFound(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ file, old, broken, want string }{
		{"deploy/compose.yaml", "target: balsong-dev", "target: baldong-dev", "service gateway: target baldong-dev is no stage"},
		{"deploy/compose.yaml", "BALSONG_SMS_URL", "BALSONG_SMS_ADDRESS", "service delivery: BALSONG_SMS_ADDRESS is read by nothing"},
		{"deploy/compose.yaml", "postgres: { condition", "postgresql: { condition", "service migrate: depends on postgresql"},
		{"deploy/compose.yaml", `["kafka:/var`, `["kafkas:/var`, "service kafka: mounts kafkas"},
		{"deploy/compose.yaml", "postgres:18", "postgres:latest", "service postgres: image postgres:latest has no version"},
		{"deploy/compose.yaml", "--inbox", "--outbox", "service gateway: --outbox is no flag"},
		{"deploy/Dockerfile", "--from=tools", "--from=tool", "copies from tool,"},
		{"deploy/Dockerfile", "./cmd/...", "./command/...", "the Dockerfile builds ./command/... in bootstrap"},
		{"deploy/Dockerfile", `CMD ["/delivery", "health"]`, `CMD ["/delivery", "helth"]`, "the HEALTHCHECK runs delivery helth, which is no command"},
		{"deploy/Dockerfile", `["/delivery", "health"]`, `["/batch", "health"]`, "the HEALTHCHECK runs batch health, which is no command"},
		{"deploy/Dockerfile", "HEALTHCHECK", "# HEALTHCHECK", "listens and has no HEALTHCHECK"},
		{".dockerignore", "!adapters", "!adaptors", ".dockerignore keeps adaptors"},
	} {
		t.Run(test.broken, func(t *testing.T) {
			t.Parallel()
			root := copyWithout(t, test.file, test.old, test.broken)
			wrong, err := check(root)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(wrong, "\n"); !strings.Contains(all, test.want) {
				t.Errorf("found %q, wanted %q", all, test.want)
			}
		})
	}
}

// copyWithout is a directory of links to the repository, with one file changed.
func copyWithout(t *testing.T, file, old, broken string) string {
	t.Helper()
	from, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "deploy"), 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"deploy/compose.yaml", "deploy/Dockerfile", ".dockerignore", "bootstrap", "domain", "application", "adapters", "migrations"} {
		if name != file {
			if err := os.Symlink(filepath.Join(from, name), filepath.Join(root, name)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), old) {
			t.Fatalf("%s does not contain %q: the test breaks nothing", name, old)
		}
		changed := strings.ReplaceAll(string(text), old, broken)
		if err := os.WriteFile(filepath.Join(root, name), []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
