package deploycheck

import (
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/repotest"
)

const repository = "../../.."

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
		{"deploy/compose.yaml", "BALSONG_SMS_URL", "BALSONG_SMS_ADDRESS", "service delivery: BALSONG_SMS_ADDRESS is read by no program"},
		{"deploy/compose.yaml", "postgres: { condition", "postgresql: { condition", "service migrate: depends on postgresql"},
		{"deploy/compose.yaml", `["kafka:/var`, `["kafkas:/var`, "service kafka: mounts kafkas"},
		{"deploy/compose.yaml", "postgres:18", "postgres:latest", "service postgres: image postgres:latest has no version"},
		{"deploy/compose.yaml", "--inbox", "--outbox", "service gateway: --outbox is no flag"},
		{"deploy/compose.yaml", `{"undelivered": 0.05`, `{"undelivred": 0.05`, "the settings of the gateway: json: unknown field"},
		{"deploy/compose.yaml", "lmtp://feedback:2424", "lmtp://feedback:24", "bounces come to lmtp://feedback:24, where no service takes them"},
		{"deploy/compose.yaml", "lmtp://feedback:2424", "lmtp://delivery:2424", "bounces come to lmtp://delivery:2424, where no service takes them"},
		{"deploy/Dockerfile", "--from=tools", "--from=tool", "copies from tool,"},
		{"deploy/Dockerfile", "./cmd/...", "./command/...", "the Dockerfile builds ./command/... in bootstrap"},
		{"deploy/Dockerfile", `CMD ["/delivery", "health"]`, `CMD ["/delivery", "helth"]`, "the HEALTHCHECK runs delivery helth, which is no command"},
		{"deploy/Dockerfile", `["/delivery", "health"]`, `["/batch", "health"]`, "the HEALTHCHECK runs batch health, which is no command"},
		{"deploy/Dockerfile", "HEALTHCHECK", "# HEALTHCHECK", "listens and has no HEALTHCHECK"},
		{".dockerignore", "!adapters", "!adaptors", ".dockerignore keeps adaptors"},
	} {
		t.Run(test.broken, func(t *testing.T) {
			t.Parallel()
			root := repotest.Broken(t, repository, test.file, test.old, test.broken,
				"deploy/compose.yaml", "deploy/Dockerfile", ".dockerignore", "bootstrap", "domain", "application", "adapters", "migrations")
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
