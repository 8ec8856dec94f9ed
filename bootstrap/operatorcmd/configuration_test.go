package operatorcmd_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// The variables that several commands read, by their beginnings.
const (
	log       = "BALSONG_LOG_ "
	database  = "DATABASE_URL BALSONG_DB_ " + log
	kafka     = "BALSONG_KAFKA_ "
	keys      = "BALSONG_KEYSET "
	s3        = "BALSONG_S3_ "
	templates = "BALSONG_TEMPLATES "
	runs      = "BALSONG_RUN_ "
	telemetry = "BALSONG_EMF_ BALSONG_TRACES_ OTEL_ "
	gateways  = "BALSONG_GATEWAYS BALSONG_REFERENCE_ " +
		"BALSONG_SMTP_ BALSONG_EMAIL_ BALSONG_SMS_ BALSONG_PUSH_ " +
		"BALSONG_ALIMTALK_ BALSONG_SES_ BALSONG_AWS_SMS_ BALSONG_FCM_ " +
		"BALSONG_TWILIO_ " +
		"BALSONG_NHN_ " +
		"BALSONG_SOLAPI_ "
)

// calls is every command, the arguments it is called with, and the variables it reads. FILE is a policy that works, KEYSET a
// keyset, and NEW names nothing.
var calls = []struct{ command, arguments, variables string }{
	{"balsong status", "", database + kafka},
	{"balsong preflight", "", database + gateways},
	{"balsong why", "2026-11 C-1", database + keys},
	{"balsong statement", "2026-11 C-1", database + keys + s3},
	{"balsong unreached", "--month 2026-11", database + keys},
	{"balsong target show", "--month 2026-11 --customer C-1", database + keys},
	{"balsong halt", "--reason x", database},
	{"balsong resume", "--reason x", database},
	{"balsong target cancel", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target uncancel", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target pause", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target resume", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target delivered", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target not-delivered", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target send-anyway", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target write-off", "--month 2026-11 --customer C-1 --reason x", database},
	{"balsong target copy", "--month 2026-11 --customer C-1 --reason x", database + keys + s3},
	{"balsong target copies", "--month 2026-11", database},
	{"balsong suppress", "--month 2026-11 --customer C-1 --channel SMS --scope all --reason x", database},
	{"balsong suppress list", "", database},
	{"balsong policy list", "", database},
	{"balsong policy check", "--file FILE", ""},
	{"balsong policy diff", "1v1", database},
	{"balsong policy draft", "--file FILE --reason x", database},
	{"balsong policy activate", "1v1 --reason x", database},
	{"balsong month close", "--month 2026-11 --reason x", database},
	{"balsong month reopen", "--month 2026-11 --reason x", database},
	{"balsong run start", "--reason x", database + runs},
	{"balsong run show", "NONE", database + runs},
	{"balsong run schedule", "--at 2099-12-25T08:00 --reason x", database + runs},
	{"balsong run schedules", "", database + runs},
	{"balsong run unschedule", "NONE --reason x", database + runs},
	{"balsong run next", "--expression at(2099-12-25T08:00:00)", ""},
	{"balsong audit", "", database},
	{"balsong restore-check", "--restored-to 2026-11-25T09:40:00+09:00", database + kafka},
	{"balsong month retention", "--dry-run", database + s3 + "BALSONG_KEEP_"},
	{"balsong render", "--preview 2026-11 C-1", database + keys + s3 + templates},
	{"balsong render", "--preview --sample ko", templates},
	{"balsong send-test", "--to 010-0000-1234 --channel SMS --sample ko", gateways + log + templates},
	{"balsong templates fields", "", ""},
	{"balsong templates export", "NEW", ""},
	{"balsong templates export", "NEW --month 2026-11", database},
	{"balsong templates list", "--month 2026-11", database},
	{"balsong templates check", "NEW", ""},
	{"balsong keyset new", "--file NEW", keys},
	{"balsong keyset show", "--file KEYSET", keys},
	{"balsong keyset show", "", keys},
	{"balsong keyset add", "--file KEYSET", keys},
	{"balsong keyset promote", "--file KEYSET --id 1", keys},
	{"balsong keyset enable", "--file KEYSET --id 1", keys},
	{"balsong keyset disable", "--file KEYSET --id 1", keys},
	{"balsong keyset remove", "--file KEYSET --id 1", keys},
	{"balsong keyset wrap", "--file KEYSET --kms-key alias/none", keys},
	{"balsong keyset usage", "--file KEYSET", database},
	{"balsong keyset usage", "", database + keys},
	{"balsong doctor", "", database + kafka + s3 + keys + gateways + templates + runs + telemetry + "BALSONG_DISPATCH_ BALSONG_DELIVERY_ BALSONG_SETTLE_ BALSONG_MONITOR_ BALSONG_FEEDBACK_ BALSONG_HEALTH_ BALSONG_KEEP_"},
	{"batch migrate", "", database + kafka + s3},
	{"batch import", "--month 2026-11 --file FILE --reason x", database + keys + telemetry},
	{"batch import list", "--month 2026-11", database},
	{"batch import undo", "--month 2026-11 --import 1 --reason x", database + keys + telemetry},
	{"batch import refused", "--month 2026-11", database},
	{"batch import dismiss", "--month 2026-11 --row a.csv:2 --reason x", database},
	{"batch mappings", "--month 2026-11", database},
	{"batch render", "--month 2026-11", database + keys + s3 + templates + telemetry},
	{"batch templates fields", "", ""},
	{"batch templates export", "NEW", ""},
	{"batch templates export", "NEW --month 2026-11", database},
	{"batch templates list", "--month 2026-11", database},
	{"batch templates check", "NEW", ""},
	{"dispatcher", "--reason x", database + kafka + telemetry + "BALSONG_DISPATCH_ BALSONG_HEALTH_"},
	{"delivery", "--role delivery", database + kafka + s3 + keys + gateways + telemetry + "BALSONG_DELIVERY_ BALSONG_HEALTH_"},
	{"delivery health", "", "BALSONG_HEALTH_"},
	{"delivery", "--role settlement", database + kafka + telemetry + "BALSONG_SETTLE_ BALSONG_MONITOR_ BALSONG_HEALTH_"},
	{"delivery", "--role both", database + kafka + s3 + keys + gateways + telemetry + "BALSONG_DELIVERY_ BALSONG_SETTLE_ BALSONG_MONITOR_ BALSONG_HEALTH_"},
	{"delivery", "--role feedback", database + gateways + "BALSONG_EMF_ BALSONG_FEEDBACK_ BALSONG_HEALTH_"},
}

// foreign is a value that no variable may have: a reference to a file that is not there.
const foreign = "file:/no/such/directory/of/a/foreign/variable"

// variables are the names of every variable that a command reads.
func variables() (names []string) {
	for _, v := range config.Variables[config.Everything]() {
		names = append(names, v.Name)
	}
	return names
}

func programs() []*cobra.Command {
	return []*cobra.Command{operatorcmd.NewCommand(), batchapp.NewCommand(), dispatcherapp.NewCommand(), deliveryapp.NewCommand()}
}

func program(name string) *cobra.Command {
	all := programs()
	return all[slices.IndexFunc(all, func(p *cobra.Command) bool { return p.Name() == name })]
}

func TestNoCommandIsStoppedByAVariableThatItDoesNotUse(t *testing.T) {
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{
		"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none?sslmode=disable", "BALSONG_KAFKA_BROKERS": "127.0.0.1:1",
		"BALSONG_S3_BUCKET": "none", "BALSONG_S3_ENDPOINT": "http://127.0.0.1:1", "BALSONG_S3_ACCESS_KEY": "a", "BALSONG_S3_SECRET_KEY": "s",
		"BALSONG_KEYSET": string(keyset), "BALSONG_SMS_URL": "http://127.0.0.1:1", "BALSONG_HEALTH_ADDR": "", "BALSONG_LOG_LEVEL": "error",
		"BALSONG_FEEDBACK_LMTP_ADDR": "127.0.0.1:0", "BALSONG_REFERENCE_SECRETS": strings.Repeat("x", 32),
	}
	for _, call := range calls {
		t.Run(call.command+" "+call.arguments, func(t *testing.T) {
			for _, name := range variables() {
				used := slices.ContainsFunc(strings.Fields(call.variables), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
				value, set := own[name]
				if !used {
					value, set = foreign, true
				}
				t.Setenv(name, value) // restores it afterwards
				if !set {
					if err := os.Unsetenv(name); err != nil {
						t.Fatal(err)
					}
				}
			}
			arguments := strings.Fields(call.command + " " + strings.NewReplacer(
				"FILE", file(t, `{"name": "monthly", "zone": "Asia/Seoul", "route": [{"channel": "EMAIL", "tries": 1}]}`),
				"KEYSET", file(t, string(keyset)), "NEW", filepath.Join(t.TempDir(), "new"),
			).Replace(call.arguments))
			run(t, arguments)
		})
	}
}

// run runs a command. One that waits for parts that are down is ended soon after it began.
func run(t *testing.T, arguments []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var said bytes.Buffer
	code := cli.Run(ctx, program(arguments[0]), arguments[1:], &said, &said)
	if code == core.ExitUsage || strings.Contains(said.String(), "foreign") {
		t.Fatalf("it ends with %d before it begins:\n%s", code, &said)
	}
}

func TestTheVariablesOfEveryCommandAreListedAndInItsHelp(t *testing.T) {
	t.Parallel()
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			check(sub)
		}
		path := strings.TrimPrefix(cmd.CommandPath(), "balsong batch")
		if path != cmd.CommandPath() { // the same commands as those of the program batch
			path = "batch" + path
		}
		if !cmd.Runnable() {
			return
		}
		at := slices.IndexFunc(calls, func(c struct{ command, arguments, variables string }) bool { return c.command == path })
		if at < 0 {
			t.Fatalf("%q is not in the table of calls", path)
		}
		var help bytes.Buffer
		cli.Run(t.Context(), program(cmd.Root().Name()), append(strings.Fields(cmd.CommandPath())[1:], "--help"), &help, &help)
		if !strings.Contains(help.String(), "Exit codes:") {
			t.Errorf("the help of %q has no exit codes", path)
		}
		for _, name := range strings.Fields(calls[at].variables) {
			if name != strings.TrimSpace(templates) && !strings.HasPrefix(path, "balsong keyset") && !strings.Contains(help.String(), "\n  "+name) {
				t.Errorf("the help of %q does not list %s", path, name)
			}
		}
	}
	for _, program := range programs() {
		check(program)
	}
}
