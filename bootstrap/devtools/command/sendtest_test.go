package command_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// sendTest runs balsong send-test and returns its exit code and all that it said.
func sendTest(t *testing.T, args ...string) (code int, said string) {
	t.Helper()
	var out bytes.Buffer
	code = cli.Run(t.Context(), operatorcmd.NewCommand(), append([]string{"send-test"}, args...), &out, &out)
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
	t.Setenv("BALSONG_SMTP_FROM", "billing@example.com")
	t.Setenv("BALSONG_SMS_URL", "http://"+server.HTTPAddr())
	t.Setenv("BALSONG_LOG_LEVEL", "error")
	for _, args := range [][]string{
		{"--to", "me@example.com", "--channel", "EMAIL"}, {"--to", "me@example.com", "--channel", "EMAIL", "--sample", "ko"}, {"--to", "01000001234", "--channel", "SMS", "--sample", "ko"},
	} {
		if code, said := sendTest(t, args...); code != core.ExitOK || !strings.Contains(said, "took the test under the key 2026-11/0/") || strings.Contains(said, "me@") {
			t.Errorf("%v: %d: %s", args, code, said)
		}
	}
	if code, said := sendTest(t, "--to", "t0ken", "--channel", "PUSH"); code != core.ExitUsage || !strings.Contains(said, "BALSONG_PUSH_URL") {
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
	if code, said := sendTest(t, "--to", "me@example.com", "--channel", "EMAIL", "--month", "2026-11", "--customer", "C-1"); code != core.ExitUsage || !strings.Contains(said, "--reason") {
		t.Errorf("%d: %s", code, said)
	}
	if code, said := sendTest(t, "--to", "secret-nobody", "--channel", "EMAIL"); code != core.ExitUsage || strings.Contains(said, "secret") {
		t.Errorf("%d: %s", code, said)
	}
}
