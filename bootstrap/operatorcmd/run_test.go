package operatorcmd_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/balsong/balsong/bootstrap/core"
)

func TestARunIsStartedInTheBackgroundAndAskedAbout(t *testing.T) {
	run := balsong(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "dispatcher")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" \"$BALSONG_DISPATCH_LINGER\"\nexit 7\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("BALSONG_RUN_PROGRAM", program)
	t.Setenv("BALSONG_RUN_DIR", filepath.Join(dir, "runs"))
	run(core.ExitUsage, "run", "start")
	run(core.ExitNotFound, "run", "start", "--month", "2027-01", "--reason", "a month that nobody imported")
	run(core.ExitNotFound, "run", "show", "NONE")
	var started struct {
		Handle, Token, Status, Output string
		ExitCode                      *int `json:"exit_code"`
	}
	order := []string{"run", "start", "--month", "2026-11", "--linger", "--actor", "kim", "--reason", "it's the second", "--output", "json"}
	if err := json.Unmarshal([]byte(run(core.ExitOK, order...)), &started); err != nil || started.Handle == "" || started.ExitCode != nil {
		t.Fatalf("%+v: %v", started, err)
	}
	output, err := os.Open(started.Output)
	if err == nil { // until its end the run holds the lock
		err = errors.Join(syscall.Flock(int(output.Fd()), syscall.LOCK_SH), output.Close())
	}
	if err := errors.Join(err, json.Unmarshal([]byte(run(core.ExitOK, "run", "show", started.Handle, "--output", "json")), &started)); err != nil || started.Status != "ENDED" {
		t.Fatalf("%+v: %v", started, err)
	}
	if started.ExitCode == nil || *started.ExitCode != 7 {
		t.Errorf("%+v", started)
	}
	if said := run(core.ExitOK, "run", "show", started.Handle); !strings.Contains(said, "ended with exit code 7; its output: "+filepath.Join(dir, "runs")) {
		t.Error(said)
	}
	if output, err := os.ReadFile(started.Output); err != nil || string(output) != "--month=2026-11 --actor=kim --reason=it's the second true\n" {
		t.Errorf("%q: %v", output, err)
	}
	if again := run(core.ExitOK, append(order, "--token", started.Token)...); !strings.Contains(again, `"handle": "`+started.Handle+`"`) {
		t.Error(again)
	}
	if acts := run(core.ExitOK, "audit", "--action", "start run"); !strings.Contains(acts, "kim: start run: "+started.Token+", 2026-11: it's the second") {
		t.Error(acts)
	}
	if said := run(core.ExitUsage, "run", "schedule", "--at", "2099-12-25 08:00", "--reason", "x"); !strings.Contains(said, "BALSONG_RUN_ON=ecs") {
		t.Error(said)
	}
	run(core.ExitUsage, "run", "schedule", "--at", "tomorrow", "--reason", "x")
	run(core.ExitOK, "halt", "--reason", "x")
	run(core.ExitHalted, "run", "start", "--reason", "x")
}

func TestAScheduleExpressionIsCheckedWithoutAServer(t *testing.T) {
	run := balsong(t)
	if err := os.Unsetenv("DATABASE_URL"); err != nil {
		t.Fatal(err)
	}
	from := []string{"--from", "2026-11-30T00:00:00Z"}
	said := run(core.ExitOK, append([]string{"run", "next", "--expression", "cron(0 8 25 * ? *)", "--zone", "Asia/Seoul", "--count", "2"}, from...)...)
	if said != "Fri 2026-12-25 08:00 KST  (2026-12-24 23:00 UTC)\nMon 2027-01-25 08:00 KST  (2027-01-24 23:00 UTC)\n" {
		t.Error(said)
	}
	if said := run(core.ExitOK, append([]string{"run", "next", "--expression", "rate(2 hours)", "--count", "1", "--output", "json"}, from...)...); !strings.Contains(said, `"2026-11-30T00:00:00Z"`) {
		t.Error(said)
	}
	for _, args := range [][]string{
		{"--expression", "cron(0 8 25 * * *)"}, {"--expression", "rate(2 hours)", "--zone", "Mars/Base"}, {"--expression", "rate(2 hours)", "--count", "0"}, {},
	} {
		run(core.ExitUsage, append([]string{"run", "next"}, args...)...)
	}
	run(core.ExitRefused, append([]string{"run", "next", "--expression", "at(2026-03-29T02:30:00)", "--zone", "Europe/Berlin"}, "--from", "2026-01-01T00:00:00Z")...)
	run(core.ExitRefused, "run", "next", "--expression", "cron(0 8 30 2 ? *)")
}
