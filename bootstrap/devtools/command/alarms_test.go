package command_test

import (
	"database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	_ "github.com/lib/pq" // the driver

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

// The commands of the runbooks, each as it is written and in the order of the page, beside services that run: there is a bill that goes out, and
// there are four whose outcome is unknown.
func TestTheCommandsOfTheRunbooksWorkAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/operations/alarms.md")
	if err != nil {
		t.Fatal(err)
	}
	h := newHour(t)
	gateway := apptest.Gateway(t, t.TempDir())
	health := observetest.FreeAddr(t)
	h.environment = append(h.environment, "BALSONG_HEALTH_ADDR="+health, "BALSONG_SMTP_ADDR="+gateway.SMTPAddr(), "BALSONG_SMTP_TLS=none", "BALSONG_SMTP_FROM=billing@example.com",
		"BALSONG_SMS_URL=http://"+gateway.HTTPAddr(), "BALSONG_PUSH_URL=http://"+gateway.HTTPAddr())
	h.unknownBills()
	h.starts("delivery")
	waittest.Until(t, "delivery is ready", func() bool { status, _ := observetest.Get(t, "http://"+health+"/readyz"); return status == 200 })

	path := filepath.Dir(program(t, "balsong")) + ":" + os.Getenv("PATH")
	ran := 0
	for line := range strings.Lines(string(page)) {
		command, is := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		// Package cloudformation has AWS's command line read what begins with aws; package apachekafka runs Kafka's own tools.
		if !is || strings.HasPrefix(command, "aws ") || strings.HasPrefix(command, "kafka-") {
			continue
		}
		command = strings.NewReplacer("127.0.0.1:9464", health).Replace(command)
		if strings.HasPrefix(command, "dispatcher ") {
			command = "balsong-dev " + command // balsong-dev has every service as a subcommand
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
		cmd.Env, cmd.Dir = append(h.environment, "PATH="+path), h.dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v:\n%s", command, err, said)
		}
		ran++
	}
	if ran < 40 {
		t.Errorf("the page has only %d commands", ran)
	}
	h.asks(regexp.MustCompile("`(SELECT [^`]+)`").FindAllStringSubmatch(string(page), -1))
}

// asks asks the database what the page asks it.
func (h *hour) asks(found [][]string) {
	h.Helper()
	db, err := sql.Open("postgres", h.variable("DATABASE_URL"))
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, query := range found {
		if _, err := db.ExecContext(h.Context(), query[1]); err != nil {
			h.Errorf("%s: %v", query[1], err)
		}
	}
	if len(found) < 2 {
		h.Errorf("the page has only %d queries", len(found))
	}
}

// unknownBills imports and renders bills, of which those of C-UNKNOWN-1 to -4 were called without an answer.
func (h *hour) unknownBills() {
	h.Helper()
	h.prepared("TRANSACTIONAL")
	bills := strings.Split(twoBills, "\n")[:2]
	for _, n := range []string{"1", "2", "3", "4"} {
		bills = append(bills, strings.NewReplacer("C-001", "C-UNKNOWN-"+n, "12000", "1300"+n).Replace(bills[1]))
	}
	h.says(core.ExitOK, "batch", "import", "--month", "2026-11", "--file", h.file("bills.csv", strings.Join(bills, "\n")+"\n"))
	h.says(core.ExitOK, "batch", "render", "--month", "2026-11", "--sender", "Kim Telecom")
	h.file("keyset.json", h.variable("BALSONG_KEYSET"))
	db, err := sql.Open("postgres", h.variable("DATABASE_URL"))
	if err != nil {
		h.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, statement := range []string{
		`INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, channel, provider, step, policy_id, policy_version, unknown_policy, reason, finished_at)
		 SELECT t.billing_month, t.user_id, 0, 0, 'UNKNOWN', 'EMAIL', 'smtp', 0, 1, 1, 'hold', 'no_answer', clock_timestamp() FROM billing_targets t JOIN customers c USING (user_id) WHERE c.customer LIKE 'C-UNKNOWN-%'`,
		`UPDATE billing_targets t SET dispatch_status = 'UNKNOWN' FROM customers c WHERE c.user_id = t.user_id AND c.customer LIKE 'C-UNKNOWN-%'`,
	} {
		if _, err := db.ExecContext(h.Context(), statement); err != nil {
			h.Fatal(err)
		}
	}
}

// variable is a variable's value.
func (h *hour) variable(name string) (value string) {
	for _, variable := range h.environment {
		if found, is := strings.CutPrefix(variable, name+"="); is {
			value = found
		}
	}
	return value
}

// starts runs a service of balsong-dev until the test ends.
func (h *hour) starts(service string) {
	h.Helper()
	cmd := exec.CommandContext(h.Context(), program(h.T, "balsong-dev"), service)
	cmd.Env, cmd.Dir, cmd.Stderr = h.environment, h.dir, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	})
}
