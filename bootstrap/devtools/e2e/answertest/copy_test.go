package answertest_test

import (
	"fmt"
	"testing"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/copies"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/e2e/apptest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

// A copy of a bill that was accepted goes to the corrected address, once, however often its request is published, and the bill stays
// as it is.
func TestACopyGoesOutOnceAndLeavesItsBillAlone(t *testing.T) {
	w := newWorld(t, policy.Route{{Channel: channel.Email, Tries: 1}})
	month, _ := key.NewMonth(2026, time.November)
	w.prepare(t, month, 2)
	succeeded := func(want int) func() bool {
		return func() bool {
			return w.count(t, `SELECT count(*) FROM billing_targets WHERE dispatch_status = 'SUCCEEDED'`) == want
		}
	}
	w.dispatch(t, month)
	await(t, "both bills are SUCCEEDED", nil, succeeded(2))

	var u operatorapp.UseCases
	t.Cleanup(apptest.Start(t, fx.Options(operatorapp.Copying(apptest.Load[config.Statement](t)), fx.Populate(&u.Answers, &u.Copies))))
	found, err := u.Answers.Find(t.Context(), month, "C-00001")
	if err != nil {
		t.Fatal(err)
	}
	bill := found.Target.Key()
	before := w.rows(t, bill)
	went, err := u.Answers.Stored(t.Context(), month, "C-00001", 0, channel.Email)
	if err != nil {
		t.Fatal(err)
	}
	made, err := u.Copies.Make(t.Context(), copies.Request{Bill: found.Target, Rows: found.Rows, To: "corrected@example.com", By: by})
	if err != nil || made.Key != bill.Copy(1) || made.Channel != channel.Email {
		t.Fatalf("%+v, %v", made, err)
	}
	w.dispatch(t, month)
	await(t, "the copy is SUCCEEDED", nil, succeeded(3))
	for range 2 { // the request is published again, as by a dispatcher that died before its commit
		if _, err := w.db.ExecContext(t.Context(), `UPDATE billing_targets SET dispatch_status = 'READY' WHERE user_id = $1`, made.Key.UserID); err != nil {
			t.Fatal(err)
		}
		w.dispatch(t, month)
		await(t, "the copy is SUCCEEDED again", nil, succeeded(3))
	}

	if stats := w.gateway.Stats(); stats.Accepted != 3 || stats.AcceptedAgain != 0 {
		t.Errorf("%d messages were accepted, %d of them twice, want 3 and none", stats.Accepted, stats.AcceptedAgain)
	}
	if n := w.acceptedFor(t, made.Key.String()+"/0/0", "corrected@example.com"); n != 1 {
		t.Errorf("the corrected address got %d copies", n)
	}
	if after := w.rows(t, bill); after != before {
		t.Errorf("the bill was\n%s\nand is\n%s", before, after)
	}
	keys := w.text(t, `SELECT string_agg(user_id || '/' || attempt || '/' || round || ' ' || state, ', ' ORDER BY user_id) FROM delivery_attempts WHERE user_id % 1000000000000 = $1`, bill.UserID)
	if want := fmt.Sprintf("%d/0/0 SUCCEEDED, %d/0/0 SUCCEEDED", bill.UserID, made.Key.UserID); keys != want {
		t.Errorf("the ledger has %s, want %s", keys, want)
	}
	copied, err := u.Answers.Stored(t.Context(), month, "C-00001", 1)
	if err != nil || len(copied.Channels) != 1 || copied.Channels[0].Variant != went.Channels[0].Variant || copied.Channels[0].To != channel.Mask("corrected@example.com") {
		t.Errorf("the copy went out as %+v, %v", copied, err)
	}
	w.copyIsTold(t, u, month)
}

// copyIsTold compares what people are told of a month with two bills, and a copy of one.
func (w *world) copyIsTold(t *testing.T, u operatorapp.UseCases, month key.Month) {
	t.Helper()
	status, err := u.Answers.Status(t.Context(), []key.Month{month}, 0)
	if err != nil || status.Months[0].Imported != 2 || status.Months[0].Waiting() != 0 || status.Months[0].CopiesText() != "1, sent 1" {
		t.Errorf("the status is %+v, %v", status.Months, err)
	}
	told, err := u.Answers.Why(t.Context(), month, "C-00001")
	if err != nil || len(told.Copies) != 1 || told.Copies[0].Copy != 1 {
		t.Errorf("the story is %+v, %v", told, err)
	}
	list, err := u.Answers.ListCopies(t.Context(), month)
	if err != nil || len(list) != 1 || list[0].Customer != "C-00001" || list[0].Actor != by.Actor || list[0].Reason != by.Reason {
		t.Errorf("the list is %+v, %v", list, err)
	}
}

// acceptedFor counts the messages that the gateway accepted with a key for an address.
func (w *world) acceptedFor(t *testing.T, key, address string) (n int) {
	t.Helper()
	_, err := acceptlog.ReadFile(gatewaysim.AcceptLogPath(w.data), func(r acceptlog.Record) error {
		if r.Accepted && r.IdempotencyKey == key && r.Destination == acceptlog.HashDestination(address) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// rows are the rows of a bill as text.
func (w *world) rows(t *testing.T, bill key.Target) string {
	t.Helper()
	return w.text(t, `SELECT t::text || d::text || l::text FROM billing_targets t JOIN billing_data d USING (billing_month, user_id)
JOIN delivery_attempts l USING (billing_month, user_id) WHERE user_id = $1`, bill.UserID)
}

// text reads a text from the database.
func (w *world) text(t *testing.T, query string, args ...any) (text string) {
	t.Helper()
	if err := w.db.GetContext(t.Context(), &text, query, args...); err != nil {
		t.Fatal(err)
	}
	return text
}
