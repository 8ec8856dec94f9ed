package killtest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
)

// The work is over when nothing was open in quietLooks looks, one every lookEvery: together longer than the pause between
// two sweeps.
const (
	lookEvery  = 500 * time.Millisecond
	quietLooks = 8
)

// await waits for the end of the work. Where the limit comes first, the checker says what is missing.
func (t *test) await(ctx context.Context, fleet *fleet) error {
	t.say("work", "until every kill has struck and every target has come to an end")
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	hurried, quiet, told := false, 0, time.Now()
	for began := time.Now(); time.Since(began) < t.Limit; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.gateway.Done():
			return errors.New("the gateway ended by itself: see logs/gateway.log")
		case <-ticker.C:
		}
		open, claimed, err := t.open(ctx)
		if err != nil {
			return err
		}
		unsaid, err := t.unsaid(ctx)
		if err == nil {
			err = t.letTimePass(ctx)
		}
		if err != nil {
			return err
		}
		over := fleet.campaign.over()
		if over && !hurried {
			hurried = true
			t.say("hurry", "every kill has struck with %d targets open; the gateway is let loose", open)
			if err := t.setGateway(ctx, t.plan.fast); err != nil {
				return err
			}
		}
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			t.say("work", "%d targets open, %d claims under way, %d things to be said by vendors, %d kills", open, claimed, unsaid, len(fleet.endedByKill()))
		}
		quiet++
		if open > 0 || claimed > 0 || unsaid > 0 {
			quiet = 0
		}
		if quiet > quietLooks+int(t.plan.stall/lookEvery) { // kills that are still outstanding have nothing left to strike
			return nil
		}
	}
	t.say("limit", "the work was not over within the limit of %s", t.Limit)
	return nil
}

// open counts targets that have not come to an end, or are UNKNOWN though their row is not any more, and claims under way.
func (t *test) open(ctx context.Context) (open, claimed int, err error) {
	err = t.db.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM billing_targets t WHERE dispatch_status IN ('READY', 'REQUESTED', 'FAILED') OR dispatch_status = 'UNKNOWN' AND EXISTS (
			SELECT FROM delivery_attempts d WHERE d.billing_month = t.billing_month AND d.user_id = t.user_id AND d.attempt = t.attempt AND d.round = t.round AND d.state <> 'UNKNOWN')),
		(SELECT count(*) FROM delivery_attempts WHERE state = 'CLAIMED')`).Scan(&open, &claimed)
	return open, claimed, err
}

// letTimePass makes due what a report has put back: its pause is minutes, which no policy can shorten.
func (t *test) letTimePass(ctx context.Context) error {
	_, err := t.db.ExecContext(ctx, `UPDATE billing_targets t SET available_at = now() FROM (
		SELECT billing_month, user_id FROM billing_targets
		WHERE dispatch_status = 'READY' AND available_at > now() + interval '1 minute' FOR UPDATE SKIP LOCKED) late
		WHERE t.billing_month = late.billing_month AND t.user_id = late.user_id`)
	return err
}

// unsaid counts what vendors are still to say by themselves, and what they are still to be asked.
func (t *test) unsaid(ctx context.Context) (n int, err error) {
	if !t.plan.vendors {
		return 0, nil
	}
	err = t.db.QueryRowContext(ctx, `SELECT count(*) FROM delivery_attempts d WHERE d.state = 'UNKNOWN' AND d.provider = $1 AND NOT EXISTS (
		SELECT FROM inquiries i WHERE i.billing_month = d.billing_month AND i.user_id = d.user_id AND i.attempt = d.attempt AND i.round = d.round AND i.asks > 0)`,
		askedProvider).Scan(&n)
	if err != nil {
		return 0, err
	}
	var stats gatewaysim.Stats
	err = t.askGateway(ctx, http.MethodGet, "/stats", nil, &stats)
	return n + int(stats.Reports.Pending), err
}
