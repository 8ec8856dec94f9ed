package command

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
)

// run runs a subcommand and returns its exit code and all that it said.
func run(t *testing.T, cmd *cobra.Command, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err := cmd.ExecuteContext(t.Context())
	var exit ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.Code
	case err != nil:
		code = core.ExitFailed
		out.WriteString(err.Error())
	}
	return code, out.String()
}

func TestATestIsSentByTheConfiguredProviderUnderNobodysKey(t *testing.T) {
	dir := t.TempDir()
	server, err := gatewaysim.Start(t.Context(), gatewaysim.Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: dir, Log: zap.NewNop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BALSONG_SMTP_ADDR", server.SMTPAddr())
	t.Setenv("BALSONG_SMTP_TLS", "none")
	t.Setenv("BALSONG_SMS_URL", "http://"+server.HTTPAddr())
	t.Setenv("BALSONG_LOG_LEVEL", "error")
	for _, args := range [][]string{
		{"--to", "me@example.com", "--channel", "EMAIL"}, {"--to", "me@example.com", "--channel", "EMAIL", "--sample", "ko"}, {"--to", "01000001234", "--channel", "SMS", "--sample", "ko"},
	} {
		if code, said := run(t, newSendTest(), args...); code != core.ExitOK || !strings.Contains(said, "took the test under the key 2026-11/0/") || strings.Contains(said, "me@") {
			t.Errorf("%v: %d: %s", args, code, said)
		}
	}
	if code, said := run(t, newSendTest(), "--to", "t0ken", "--channel", "PUSH"); code != core.ExitUsage || !strings.Contains(said, "BALSONG_PUSH_URL") {
		t.Errorf("a channel without a provider: %d: %s", code, said)
	}
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys := map[string]bool{}
	_, err = acceptlog.ReadFile(gatewaysim.AcceptLogPath(dir), func(r acceptlog.Record) error {
		keys[r.IdempotencyKey] = r.Accepted
		return nil
	})
	if err != nil || len(keys) != 3 {
		t.Errorf("accepted %v (%v)", keys, err)
	}
	box, err := gatewaysim.OpenInbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	list := httptest.NewRecorder()
	box.Handler().ServeHTTP(list, httptest.NewRequest(http.MethodGet, "/", nil))
	if strings.Count(list.Body.String(), "[TEST] ") != 3 {
		t.Errorf("the inbox does not show three tests: %s", list.Body)
	}
}

func TestACustomersBillIsNotSentWithoutAReason(t *testing.T) {
	t.Parallel()
	if code, said := run(t, newSendTest(), "--to", "me@example.com", "--channel", "EMAIL", "--month", "2026-11", "--customer", "C-1"); code != core.ExitUsage || !strings.Contains(said, "--reason") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := run(t, newSendTest(), "--to", "secret-nobody", "--channel", "EMAIL"); code != core.ExitUsage || strings.Contains(said, "secret") {
		t.Errorf("%d: %s", code, said)
	}
}

func TestABillIsShownWithTheTemplatesOfADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	page := filepath.Join(dir, "bill.html")
	if code, said := run(t, newRender(), "--preview", "--sample", "ko", "--html", page); code != core.ExitOK || !strings.Contains(said, page) {
		t.Fatalf("%d: %s", code, said)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "김하나 고객님") {
		t.Errorf("%v", err)
	}
	for want, args := range map[string][]string{
		"balsong batch render --month":          {"2026-11", "C-1"},
		"name a month and a customer number":    {"--preview", "2026-11"},
		"want en or ko":                         {"--preview", "--sample", "fr"},
		"leave month and customer out":          {"--preview", "--sample", "ko", "2026-11", "C-1"},
		"letterhead.json: is missing":           {"--preview", "--sample", "ko", "--templates", dir},
		"neither TRANSACTIONAL nor ADVERTISING": {"--preview", "--sample", "ko", "--class", "SPAM"},
	} {
		if code, said := run(t, newRender(), args...); code == core.ExitOK || !strings.Contains(said, want) {
			t.Errorf("%v: %d: %s", args, code, said)
		}
	}
}
