package command_test

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// hour is a newcomer's first hour: a directory, and a shell with the variables of components of its own.
type hour struct {
	*testing.T
	dir         string
	environment []string
}

func newHour(t *testing.T) *hour {
	t.Helper()
	dir, err := os.MkdirTemp(child.TempDir(), "hour-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	name := "hour" + strings.TrimPrefix(filepath.Base(dir), "hour-test-")
	environment := append(os.Environ(), "TZ=UTC", "BALSONG_KEYSET="+string(keyset), "BALSONG_LOG_LEVEL=warn")
	return &hour{T: t, dir: dir, environment: append(environment, apptest.Components(t).Services(postgrestest.URL(t), name, name+"-", 1).List()...)}
}

// file writes a file and returns its path.
func (h *hour) file(name, content string) string {
	h.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		h.Fatal(err)
	}
	return path
}

// programOf are the subcommands of balsong-dev that these tests call; the others are those of balsong.
var programOf = map[string]string{"demo": "balsong-dev", "generate": "balsong-dev", "dispatcher": "balsong-dev"}

// says runs a command that ends with a code, and returns what it says on both streams.
func (h *hour) says(code int, command ...string) string {
	h.Helper()
	var said bytes.Buffer
	cmd := exec.CommandContext(h.Context(), program(h.T, cmp.Or(programOf[command[0]], "balsong")), command...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = h.environment, h.dir, &said, &said
	err := cmd.Run()
	if exit, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || ended && exit.ExitCode() != code || err == nil && code != 0 {
		h.Fatalf("balsong %s: %v, want exit code %d:\n%s", strings.Join(command, " "), err, code, &said)
	}
	return said.String()
}

// prepared migrates and activates a policy of a class.
func (h *hour) prepared(class string) {
	h.Helper()
	policy := h.file("policy.json", `{"name": "monthly", "zone": "Asia/Seoul", "class": "`+class+`", "deadline": "1080h",
  "quiet_hours": {"from": "21:00", "to": "08:00", "channels": ["EMAIL", "SMS", "PUSH"]},
  "route": [{"channel": "EMAIL", "tries": 2}, {"channel": "SMS", "tries": 1}]}`)
	h.says(core.ExitOK, "batch", "migrate")
	h.says(core.ExitOK, "policy", "draft", "--file", policy, "--reason", "first")
	h.says(core.ExitOK, "policy", "activate", "1v1", "--reason", "first")
}

func (h *hour) expect(said string, words ...string) {
	h.Helper()
	for _, word := range words {
		if !strings.Contains(said, word) {
			h.Errorf("nothing says %q:\n%s", word, said)
		}
	}
}

const twoBills = `customer_number,name,email,currency,amount,due_date
C-001,Kim,kim@example.com,KRW,12000,2026-11-25
C-002,Lee,lee@example.com,KRW,12100,2026-11-25
`

func TestAMonthWhoseDeadlineHasPassedIsToldBeforeItsBillsExpire(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	bills := h.file("bills.csv", twoBills)
	h.expect(h.says(core.ExitOK, "batch", "import", "--month", "2024-01", "--file", bills),
		"warning: the deadline of 2024-01 passed on 2024-02-15 00:00 KST", "policy activate")
	h.says(core.ExitOK, "batch", "render", "--month", "2024-01", "--sender", "Kim Telecom")
	h.expect(h.says(core.ExitOK, "status"), "the deadline of 2024-01 passed", "2 bills expire at the next dispatcher run and are not sent")
	h.expect(h.says(core.ExitOK, "dispatcher"), "2  expired and are not sent", "unreached --month 2024-01", "later deadline")
	if said := h.says(core.ExitOK, "status"); strings.Contains(said, "expire at the next") {
		t.Errorf("nothing is left to expire:\n%s", said)
	}
	if said := h.says(core.ExitOK, "batch", "import", "--month", "2199-01", "--file", bills, "--allow-wrong-month", "--reason", "a month far ahead"); strings.Contains(said, "deadline") {
		t.Errorf("a month to come has no deadline behind it:\n%s", said)
	}
}

func TestBillsAreRenderedForTheClassOfTheActivePolicy(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.says(core.ExitOK, "templates", "export", "words")
	senderIdentity, err := os.ReadFile(filepath.Join(h.dir, "words", "sender-identity.json"))
	if err != nil {
		t.Fatal(err)
	}
	h.file("words/sender-identity.json", strings.NewReplacer(`"opt_out": ""`, `"opt_out": "080-000-0000"`, "Balsong", "Kim Telecom", "발송", "김통신").Replace(string(senderIdentity)))
	h.says(core.ExitOK, "batch", "migrate")
	unsubscribe := ",https://example.com/stop\n"
	bills := h.file("bills.csv", strings.Replace(strings.ReplaceAll(twoBills, "\n", unsubscribe), unsubscribe, ",unsubscribe_url\n", 1))
	h.says(core.ExitOK, "batch", "import", "--month", "2026-10", "--file", bills)
	h.expect(h.says(core.ExitOK, "batch", "render", "--month", "2026-10", "--class", "ADVERTISING", "--templates", "words"), "2 rendered")

	h.prepared("ADVERTISING")
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", bills, "--allow-wrong-month", "--reason", "the same bills in two months")
	h.expect(h.says(core.ExitRefused, "batch", "render", "--month", "2026-11", "--class", "TRANSACTIONAL", "--templates", "words"),
		"--class says TRANSACTIONAL", "policy 1 v1 is of the class ADVERTISING", "without --class", "policy activate")
	h.expect(h.says(core.ExitOK, "status", "--month", "2026-11"), "2  not rendered yet")
	h.expect(h.says(core.ExitRefused, "batch", "render", "--month", "2026-11"), "opt_out is missing") // the shipped words, for ADVERTISING
	h.expect(h.says(core.ExitOK, "batch", "render", "--month", "2026-11", "--class", "ADVERTISING", "--templates", "words"), "2 rendered")
}

func TestWhatIsAdvisedRendersACorrectedBillWithTheWordsOfItsMonth(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	month := []string{"--month", "2026-11"}
	render := func(code int, more ...string) string {
		h.Helper()
		return h.says(code, slices.Concat([]string{"batch", "render"}, month, more)...)
	}
	bills := h.file("bills.csv", twoBills)
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", bills)
	h.expect(render(core.ExitRefused), `customers would read the sample's sender, "Balsong"`, "--allow-sample-sender")
	h.says(core.ExitOK, "templates", "export", "words")
	h.file("words/sender-identity.json", `{"ko": {"sender": "김통신"}, "en": {"sender": "Kim Telecom"}}`)
	h.expect(render(core.ExitOK, "--templates", "words"), "2 rendered")
	if err := os.RemoveAll(filepath.Join(h.dir, "words")); err != nil { // another machine
		t.Fatal(err)
	}
	correct := func(amount string) {
		h.Helper()
		file := h.file("corrected.csv", strings.Replace(twoBills, "12000", amount, 1))
		h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", file, "--correct", "--reason", "a wrong amount")
	}
	correct("12001")
	h.expect(render(core.ExitRefused, "--sender", "Lee Telecom"), `ko.sender of the sender identity ("Lee Telecom" instead of "김통신")`, "--allow-templates --reason")
	render(core.ExitUsage, "--sender", "Lee Telecom", "--allow-templates")
	for _, ask := range [][]string{{"status"}, {"why", "2026-11", "C-001"}} {
		h.expect(h.says(core.ExitOK, ask...), "`balsong batch render --month 2026-11`")
	}
	h.expect(render(core.ExitOK), "is rendered with the templates that it has, words (", "1 rendered")
	h.expect(h.says(core.ExitOK, "statement", "2026-11", "C-001"), "[김통신]", "12,001")
	h.expect(h.says(core.ExitOK, "why", "2026-11", "C-001"), "with the templates words (")

	correct("12002")
	h.expect(render(core.ExitOK, "--sender", "Lee Telecom", "--allow-templates", "--reason", "a new name"), "1 rendered")
	h.expect(h.says(core.ExitOK, "statement", "2026-11", "C-001"), "[Lee Telecom]")
	h.expect(h.says(core.ExitOK, "audit", "--month", "2026-11"), "render with other templates: words (", "a new name")
	h.says(core.ExitOK, "templates", "export", "first", "--month", "2026-11", "--number", "1")
	correct("12003")
	render(core.ExitOK, "--templates", "first")
	h.expect(h.says(core.ExitOK, "statement", "2026-11", "C-001"), "[김통신]", "12,003")
}

func TestWhereBillsCannotBeRenderedItEndsWithThreeAndCorrectedTemplatesRenderThem(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	bills := strings.NewReplacer("due_date\n", "due_date,fields.link\n", "11-25\n", "11-25,javascript:alert(1)\n").Replace(twoBills)
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", h.file("bills.csv", bills))
	h.says(core.ExitOK, "templates", "export", "words")
	h.file("words/sender-identity.json", `{"ko": {"sender": "김통신"}, "en": {"sender": "Kim Telecom"}}`)
	layout, err := os.ReadFile(filepath.Join(h.dir, "words", "layout.html.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	link := func(address string) {
		h.file("words/layout.html.tmpl", strings.Replace(string(layout), "</body>", `<a href="`+address+`">more</a></body>`, 1))
	}
	link("{{.Fields.link}}")
	const again = "balsong batch render --month 2026-11 --failed"
	h.expect(h.says(core.ExitRejected, "batch", "render", "--month", "2026-11", "--templates", "words"), "2 failed", "not rendered: customer C-001", again)
	h.expect(h.says(core.ExitOK, "status"), again)
	h.expect(h.says(core.ExitOK, "why", "2026-11", "C-001"), again)
	h.expect(h.says(core.ExitNotFound, "statement", "2026-11", "C-001"), again)
	link("https://example.com/?q={{.Fields.link}}")
	h.expect(h.says(core.ExitOK, "batch", "render", "--month", "2026-11", "--templates", "words", "--failed"), "2 rendered, 0 failed")
}

func TestTheStatusTellsTimesInTheZoneOfTheActivePolicy(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.environment = append(h.environment, "TZ=America/New_York")
	h.says(core.ExitOK, "batch", "migrate")
	h.says(core.ExitOK, "halt", "--reason", "wrong amounts")
	halted := func() string {
		found := regexp.MustCompile(`since (.*): wrong amounts`).FindStringSubmatch(h.says(core.ExitOK, "status"))
		if found == nil {
			t.Fatal("the status does not say since when everything is halted")
		}
		return found[1]
	}
	h.expect(h.says(core.ExitOK, "status"), "Times are in UTC (+00:00).")
	utc, err := time.Parse("2006-01-02 15:04:05 UTC", halted())
	if err != nil {
		t.Error(err)
	}
	h.prepared("TRANSACTIONAL")
	h.expect(h.says(core.ExitOK, "status"), "Times are in Asia/Seoul (+09:00).")
	if want := utc.Add(9*time.Hour).Format("2006-01-02 15:04:05 ") + "KST"; halted() != want {
		t.Errorf("halted since %q, want %q", halted(), want)
	}
}

func TestAnActThatIsDoneTwiceSaysSoAndChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", h.file("bills.csv", twoBills))
	h.expect(h.says(core.ExitOK, "resume", "--reason", "a mistake"), "there was no halt")
	h.says(core.ExitOK, "halt", "--reason", "wrong amounts", "--actor", "kim")
	h.expect(h.says(core.ExitOK, "halt", "--reason", "another", "--actor", "lee"), "everything is halted already since", "by kim: wrong amounts. Nothing was changed")
	h.expect(h.says(core.ExitOK, "status"), "HALTED by kim", "wrong amounts")
	h.expect(h.says(core.ExitOK, "resume", "--reason", "corrected"), "the halt is lifted")

	bill := []string{"--month", "2026-11", "--customer", "c-001", "--reason", "a dispute"}
	h.expect(h.says(core.ExitOK, append([]string{"target", "pause"}, bill...)...), "customer C-001's bill of 2026-11 (2026-11/1) is PAUSED (operator)\n")
	h.expect(h.says(core.ExitOK, append([]string{"target", "pause"}, bill...)...), "is PAUSED (operator): it was so already, and nothing was changed")
	h.expect(h.says(core.ExitRefused, append([]string{"target", "write-off"}, bill...)...), "customer C-001: ", "not UNKNOWN")

	entry := []string{"suppress", "--customer", "C-001", "--channel", "SMS", "--reason", "asked for it", "--scope"}
	h.expect(h.says(core.ExitOK, append(entry, "all")...), "customer C-001: never reached on SMS from now on, by bills neither\n")
	h.expect(h.says(core.ExitOK, append(entry, "all")...), "it was so already")
	h.expect(h.says(core.ExitRefused, append(entry, "advertising")...), `the scope "all" is in force on SMS (asked for it)`, "lift it first")
	if n := strings.Count(h.says(core.ExitOK, "audit"), "\n"); n != 7 { // their zone, the policy's two acts, halt, resume, pause, suppress
		t.Errorf("%d lines of acts:\n%s", n, h.says(core.ExitOK, "audit"))
	}
}

func TestGeneratedDataIsOfThisMonthAndItsFlagsGiveItAgain(t *testing.T) {
	t.Parallel()
	h := &hour{T: t, dir: t.TempDir(), environment: os.Environ()}
	said := h.says(core.ExitOK, "generate", "--rows", "20", "--out", "first")
	again := regexp.MustCompile(`--seed 1 --since (\d{4}-\d\d) --month (\d{4}-\d\d)`).FindStringSubmatch(said)
	if again == nil || again[1] != again[2] {
		t.Fatalf("it does not say how to make the same again:\n%s", said)
	}
	h.says(core.ExitOK, "generate", "--rows", "20", "--out", "second", "--since", again[1])
	first, err := os.ReadFile(filepath.Join(h.dir, "first", "SHA256SUMS"))
	second, err2 := os.ReadFile(filepath.Join(h.dir, "second", "SHA256SUMS"))
	if err := errors.Join(err, err2); err != nil || !bytes.Equal(first, second) || !bytes.Contains(first, []byte(again[1])) {
		t.Errorf("%v: %s and %s", err, first, second)
	}
	h.says(core.ExitOK, "generate", "--rows", "20", "--out", "third", "--month", "2024-02")
	if _, err := os.Stat(filepath.Join(h.dir, "third", "bills-2024-02-001.csv")); err != nil {
		t.Error(err)
	}
}

func TestTheDemoSaysHowToAskHowToReadAndHowToRemoveIt(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	data := filepath.Join(h.dir, "demo")
	bills := h.file("bills.csv", twoBills)
	h.expect(h.says(core.ExitOK, "demo", "--data", data, "--file", bills, "--month", "2026-11", "--stay", "no", "--postgres", "embedded"),
		"inbox --data "+data, "http://127.0.0.1:8026/", "demo --stay yes --month 2026-11 --data "+data, "rm -r "+data)

	cmd := exec.CommandContext(h.Context(), program(t, "balsong-dev"), "demo", "--data", data, "--file", bills, "--month", "2026-11", "--stay", "yes", "--postgres", "embedded")
	cmd.Env, cmd.Dir = h.environment, h.dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var told []string // the commands that it tells to run
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C"); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "export ") || strings.Contains(line, "/balsong why") || strings.HasSuffix(line, "/balsong status") {
			told = append(told, strings.Replace(line, "7590-VHVEG", "C-001", 1))
		}
	}
	ask := exec.CommandContext(h.Context(), "sh", "-ec", strings.Join(told, "\n"))
	ask.Dir = h.dir
	said, err := ask.CombinedOutput()
	if err != nil {
		t.Errorf("%v with %q", err, told)
	}
	h.expect(string(said), "C-001", "k***@example.com", "2026-11 (open)", "requests behind")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("ended by Ctrl-C: %v", err)
	}
}

func TestACorrectedCustomerIsNoRejectAnyMoreThoughTheOldFileComesAgain(t *testing.T) {
	t.Parallel()
	h := newHour(t)
	h.prepared("TRANSACTIONAL")
	bills := h.file("bills.csv", strings.Replace(twoBills, "12100", `"12,100"`, 1))
	h.expect(h.says(core.ExitRejected, "batch", "import", "--month", "2026-11", "--file", bills), "1 rejected")
	rejects, err := os.ReadFile(filepath.Join(h.dir, "rejects.csv"))
	if err != nil {
		t.Fatal(err)
	}
	corrected := h.file("corrected.csv", strings.Replace(string(rejects), `"12,100"`, "12100", 1))
	h.expect(h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", corrected), "1 new")
	h.expect(h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", bills), "(refused, resolved since)", "0 rejected, 1 refused, resolved since")
	if _, err := os.Stat(filepath.Join(h.dir, "rejects-2.csv")); !os.IsNotExist(err) {
		t.Errorf("a file of rejects with nothing to correct: %v", err)
	}
	if said := h.says(core.ExitOK, "status"); strings.Contains(said, "refused at the import") {
		t.Errorf("it is counted still:\n%s", said)
	}
}

func TestWhatACheckerFindsWrongHasOneExitCodeAndAMonthIsExplained(t *testing.T) {
	t.Parallel()
	h := &hour{T: t, dir: t.TempDir(), environment: append(os.Environ(), "DATABASE_URL=postgres://nobody@127.0.0.1:1/none?sslmode=disable")}
	h.says(core.ExitOK, "templates", "export", "words")
	h.file("words/ko/sms.tmpl", "{{.Amout}}")
	h.expect(h.says(core.ExitRefused, "templates", "check", "words"), "there is no field .Amout")
	h.says(core.ExitRefused, "policy", "check", "--file", h.file("policy.json", `{"name": "monthly", "zone": "Mars/Base", "route": []}`))
	h.expect(h.says(core.ExitUsage, "why", "11-2026", "C-001"), `"11-2026" is no billing month (want year and month, as in 2026-11)`)
}
