package faulttest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/restorecheck"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// A month under load, its database restored to a moment in the middle, checked, and continued: by the gateway's own record
// nobody is called again after an accepted call, and everybody is served or UNKNOWN.
func TestAfterARestoreAndItsCheckNobodyIsServedTwice(t *testing.T) {
	w, a := newArchivedWorld(t)
	w.gateway.falter(t)
	moment := w.loseHalf(t, a)
	accepted := w.gateway.accepted(t)
	steps := runbook(t, moment)
	if text := w.balsong(t, steps[0]); !strings.Contains(text, "nothing was changed") {
		t.Errorf("%v answers %s", steps[0], text)
	}
	if w.count("SELECT count(*) FROM dispatch_control WHERE halted") != 0 {
		t.Error("a check without --apply has halted everything")
	}
	told := w.balsong(t, steps[1])
	t.Logf("%d accepted before the restore; the check says\n%s", len(accepted), told)
	if !strings.Contains(told, "ledger rows that were written: ") || strings.Contains(told, "written: none") || strings.Contains(told, "NOT REACH BACK") || strings.Contains(told, "not in the database") {
		t.Errorf("the check says\n%s", told)
	}
	w.balsong(t, steps[2])
	again := w.check(t, restorecheck.Options{RestoredTo: moment, Apply: true, By: by})
	if len(again.Rows) > 0 || len(again.Targets) > 0 || again.Moved > 0 {
		t.Errorf("a second check changed something: %+v", again)
	}
	if got := w.count("SELECT count(*) FROM dispatch_control WHERE halted"); got != 1 {
		t.Errorf("nothing is halted")
	}
	w.balsong(t, steps[3])
	w.workOn(t)
	await(t, "everybody is served or UNKNOWN", func() bool {
		return w.status("SUCCEEDED", "UNKNOWN") == customers
	}, w.standing)
	w.nobodyTwice(t)
	served := w.gateway.accepted(t)
	doubtful := w.inDoubt(t)
	settled := len(served)
	for _, target := range doubtful {
		if served[target] == 0 {
			settled++
		}
	}
	if settled != customers {
		t.Errorf("%d were accepted and %d are UNKNOWN: %d together, of %d", len(served), len(doubtful), settled, customers)
	}
	t.Logf("%d accepted, %d UNKNOWN, %d were refused once", len(served), len(doubtful), w.count("SELECT count(DISTINCT user_id) FROM delivery_attempts WHERE state = 'FAILED'"))
}

// Without the check the same month is sent again: what the test above would not see if it looked at nothing.
func TestARestoredDatabaseThatIsNotCheckedSendsAgain(t *testing.T) {
	w, a := newArchivedWorld(t)
	w.loseHalf(t, a)
	w.workOn(t)
	await(t, "somebody is served twice", func() bool {
		for _, n := range w.gateway.accepted(t) {
			if n > 1 {
				return true
			}
		}
		return false
	}, w.standing)
}

// What is at work keeps the check from writing, and so does a log that does not reach back.
func TestARestoreCheckRefusesToWorkBesideServices(t *testing.T) {
	w, _ := newArchivedWorld(t)
	stop := w.deliver(t)
	await(t, "delivery has joined its group", func() bool {
		return errors.Is(w.tryCheck(t, restorecheck.Options{RestoredTo: time.Now(), Apply: true, By: by}), restorecheck.ErrRunning)
	}, w.story)
	code, answer, _ := w.command(t, []string{"balsong", "restore-check", "--restored-to", time.Now().Add(-time.Minute).Format(time.RFC3339), "--apply", "--reason", "x", "--output", "json"})
	var report restorecheck.Report
	if err := json.Unmarshal([]byte(answer), &report); err != nil || code != core.ExitRefused || report.Complete || len(report.Running) == 0 {
		t.Errorf("it ends with %d and answers %s (%v)", code, answer, err)
	}
	if w.count("SELECT count(*) FROM dispatch_control WHERE halted") != 0 {
		t.Error("a check that was refused has halted everything")
	}
	stop()
	await(t, "delivery has left its group", func() bool {
		return w.tryCheck(t, restorecheck.Options{RestoredTo: time.Now(), Apply: true, By: by}) == nil
	}, w.story)
}

// newArchivedWorld is newWorld on a server of its own, with a base backup.
func newArchivedWorld(t *testing.T) (*world, *archived) {
	t.Helper()
	a := startArchived(t)
	w := newWorldOn(t, func(name string) string { return a.database(t, name) })
	a.backup(t)
	return w, a
}

// loseHalf sends under load, marks a moment when a quarter is done, continues until three quarters are, kills everything and restores the
// database to that moment.
func (w *world) loseHalf(t *testing.T, a *archived) (moment time.Time) {
	t.Helper()
	ended := w.work(t)
	await(t, "a quarter is accepted", func() bool { return len(w.gateway.accepted(t)) >= customers/4 }, w.story)
	a.mark(t, "middle")
	moment = time.Now()
	await(t, "three quarters are accepted", func() bool { return len(w.gateway.accepted(t)) >= customers*3/4 }, w.story)
	ended()
	must(t, w.db.Close())
	before := a.server.URL(w.name)
	a.restore(t, "middle")
	w.url = a.server.URL(w.name)
	w.config.Database.URL = w.url
	if w.url == before {
		t.Fatal("the restored server has the address of the old one")
	}
	w.openDatabase(t)
	return moment
}

// work runs delivery, settlement and dispatch runs; ended stops them.
func (w *world) work(t *testing.T) (ended func()) {
	t.Helper()
	stopDelivery, stopDispatching := w.deliver(t), w.dispatching(t)
	return func() { stopDispatching(); stopDelivery() }
}

// workOn works until the test ends.
func (w *world) workOn(t *testing.T) {
	t.Helper()
	t.Cleanup(w.work(t))
}

func (w *world) tryCheck(t *testing.T, o restorecheck.Options) (err error) {
	t.Helper()
	_, err = w.checked(t, o)
	return err
}

func (w *world) check(t *testing.T, o restorecheck.Options) restorecheck.Report {
	t.Helper()
	report, err := w.checked(t, o)
	must(t, err)
	return report
}

func (w *world) checked(t *testing.T, o restorecheck.Options) (report restorecheck.Report, err error) {
	t.Helper()
	c := config.RestoreCheck{
		Operator: config.Operator{Database: w.config.Database, Log: w.config.Log},
		Kafka:    config.RequiredKafka{Brokers: w.config.Kafka.Brokers, KafkaAccess: w.config.Kafka.KafkaAccess},
	}
	var checker *restorecheck.Checker
	use(t, fx.Options(operatorapp.RestoreCheck(c), w.observed(), fx.Populate(&checker)), func() { report, err = checker.Run(t.Context(), o) })
	return report, err
}

// runbook is the commands of docs/operations/restore.md, with another moment.
func runbook(t *testing.T, moment time.Time) (commands [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../../../docs/operations/restore.md")
	must(t, err)
	for _, block := range regexp.MustCompile("(?s)\n```sh\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			words := strings.NewReplacer("2026-11-25T09:40:00+09:00", moment.Format(time.RFC3339Nano)).Replace(line)
			var command []string
			for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(words, -1) {
				command = append(command, strings.Trim(word, `"`))
			}
			commands = append(commands, command)
		}
	}
	if len(commands) != 4 {
		t.Fatalf("the page has the commands %v", commands)
	}
	return commands
}

// balsong runs the operator's command and returns its answer.
func (w *world) balsong(t *testing.T, command []string) string {
	t.Helper()
	code, answer, errs := w.command(t, command)
	if code != core.ExitOK {
		t.Fatalf("%v ends with %d: %s", command, code, errs)
	}
	return answer
}

// command runs the operator's command.
func (w *world) command(t *testing.T, command []string) (code int, answer, errs string) {
	t.Helper()
	for variable, value := range map[string]string{
		"DATABASE_URL": w.url, "BALSONG_KAFKA_BROKERS": strings.Join(w.config.Kafka.Brokers, ","), "BALSONG_KAFKA_TOPIC_PREFIX": w.config.Kafka.TopicPrefix, "BALSONG_LOG_LEVEL": "error",
	} {
		t.Setenv(variable, value)
	}
	if command[0] != "balsong" {
		t.Fatalf("%v is no command of the operator", command)
	}
	var out, said bytes.Buffer
	code = cli.Run(t.Context(), operatorcmd.NewCommand(), command[1:], &out, &said)
	return code, out.String(), said.String()
}

// falter makes the gateway refuse some mails for now, and take some without an answer.
func (g *simulator) falter(t *testing.T) {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	settings := g.running.Settings()
	settings.Email.Temporary, settings.Email.AcceptThenDrop = .2, .02
	must(t, g.running.SetSettings(settings))
}

// nobodyTwice looks into the gateway's own record.
func (w *world) nobodyTwice(t *testing.T) {
	t.Helper()
	for target, n := range w.gateway.accepted(t) {
		if n > 1 {
			t.Errorf("%s was accepted %d times", target, n)
		}
	}
}

// standing is how the bills stand, for a test that failed.
func (w *world) standing() string {
	rows, err := w.db.Query("SELECT dispatch_status || coalesce('(' || pause_reason || ')', '') || ' ' || count(*) FROM billing_targets GROUP BY dispatch_status, pause_reason")
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	text := ""
	for rows.Next() {
		line := ""
		_ = rows.Scan(&line)
		text += line + "\n"
	}
	if err := rows.Err(); err != nil {
		return err.Error()
	}
	return text + w.story()
}
