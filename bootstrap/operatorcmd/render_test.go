package operatorcmd_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// render runs balsong render and returns its exit code and all that it said.
func render(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = cli.Run(t.Context(), operatorcmd.NewCommand(), append([]string{"render"}, args...), &out, &out)
	return code, out.String()
}

func TestABillIsShownWithTheTemplatesOfADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "bill.html")
	if code, said := render(t, "--preview", "--sample", "ko", "--html", page); code != core.ExitOK || !strings.Contains(said, page) {
		t.Fatalf("%d: %s", code, said)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "김하나 고객님") {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(page); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read a customer's bill: %v, %v", info, err)
	}
	wrong := filepath.Join(dir, "wrong.html")
	code, said := render(t, "--preview", "--sample", "ko", "--templates", dir, "--html", wrong)
	if _, err := os.Stat(wrong); code == core.ExitOK || err == nil {
		t.Errorf("templates that cannot be used make a page: %d: %s", code, said)
	}
	if code, said := render(t, "--preview", "--sample", "ko"); code != core.ExitOK || !strings.Contains(said, "the shipped sample's: `batch render` refuses it") {
		t.Errorf("the shipped sender is not named: %d: %s", code, said)
	}
	if code, said := render(t, "--preview", "--sample", "ko", "--sender", "한강텔레콤"); code != core.ExitOK || strings.Contains(said, "sample's") {
		t.Errorf("%d: %s", code, said)
	}
	for want, args := range map[string][]string{
		"balsong batch render --month":          {"2026-11", "C-1"},
		"name a month and a customer number":    {"--preview", "2026-11"},
		"want en or ko":                         {"--preview", "--sample", "fr"},
		"leave month and customer out":          {"--preview", "--sample", "ko", "2026-11", "C-1"},
		"sender-identity.json: is missing":      {"--preview", "--sample", "ko", "--templates", dir},
		"neither TRANSACTIONAL nor ADVERTISING": {"--preview", "--sample", "ko", "--class", "SPAM"},
	} {
		if code, said := render(t, args...); code == core.ExitOK || !strings.Contains(said, want) {
			t.Errorf("%v: %d: %s", args, code, said)
		}
	}
}
