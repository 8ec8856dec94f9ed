package bench

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/bootstrap/deliveryapp"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// feedbackRole takes reports, and asks.
var feedbackRole = child.Register("bench-feedback", app(command(deliveryapp.NewCommand)))

// What the stage reports sends: requests of NHN Cloud's, each with few reports, over so many connections.
const (
	perWebhook  = 5
	senders     = 64
	perRun      = 3 // times the rows of other stages: a sweep comes every 10 s, and must not count for much
	vendorWords = "a-text-of-32-characters-or-longer"
)

// The shares of the stage reports, of twenty: one had an UNKNOWN outcome, which DELIVERED ends; one bounces, and no route is left.
const of20 = 20

// reportsStage measures what providers report, from their requests to settled targets.
func (b *bench) reportsStage(ctx context.Context) error {
	rows := perRun * b.Rows
	return b.repeat(ctx, Reports, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		return b.reportsOnce(ctx, s, rows)
	}, &Stage{
		Name: Reports, Rows: rows, Target: Target{Rate: 5000},
		Label:    fmt.Sprintf("signed webhook requests of NHN Cloud with %d reports each, to the last settled target: of twenty, eighteen are DELIVERED about what is SUCCEEDED, one about an UNKNOWN, one is a hard bounce that ends the bill and suppresses its channel", perWebhook),
		Baseline: "the same reports by INSERT … ON CONFLICT DO NOTHING, 1,000 rows a transaction; nothing is received or settled",
	})
}

func (b *bench) reportsOnce(ctx context.Context, s *stage, rows int) ([]StageRun, error) {
	theirs := firstMonth + 1
	if err := errors.Join(s.accepted(ctx, firstMonth, rows), s.accepted(ctx, theirs, rows)); err != nil {
		return nil, err
	}
	requests, err := s.webhooks(ctx, rows)
	if err != nil {
		return nil, err
	}
	url, err := s.takesWebhooks(ctx)
	if err != nil {
		return nil, err
	}
	taking, err := b.service(ctx, s, feedbackRole)
	if err != nil {
		return nil, err
	}
	settling, err := b.service(ctx, s, settlementRole)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(b.listens(ctx, s.environment["BALSONG_FEEDBACK_ADDR"], taking), b.listens(ctx, strings.TrimPrefix(settling.url, "http://"), settling)); err != nil {
		return nil, err
	}
	began, before := time.Now(), usages()
	if err := sendAll(ctx, url, requests); err != nil {
		return nil, err
	}
	received := time.Since(began)
	if err := b.reported(ctx, s, rows, taking, settling); err != nil {
		return nil, err
	}
	run := StageRun{Rows: rows, Seconds: time.Since(began).Seconds(), CPU: between(before, usages()), PeakRSS: peakRSS(taking.PID())}
	b.say("%s: %d were received and stored after %.2f s", Reports, rows, received.Seconds())
	if err := errors.Join(taking.Stop(), settling.Stop()); err != nil {
		return nil, err
	}
	err = s.plainly(theirs, func(p *plain) (err error) {
		run.BaselineSeconds, err = p.reports(ctx, rows)
		return err
	})
	return []StageRun{run}, err
}

// accepted makes the month of the stage reports.
func (s *stage) accepted(ctx context.Context, month key.Month, rows int) error {
	return s.called(ctx, month, rows, of20)
}

// called makes a month whose messages NHN Cloud was given; of one of so many nobody knows what became of it.
func (s *stage) called(ctx context.Context, month key.Month, rows, unknown int) error {
	if err := s.months.Open(ctx, month); err != nil {
		return err
	}
	err := inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		for _, statement := range []string{
			`INSERT INTO billing_targets (billing_month, user_id, batch_status, dispatch_status, attempt, policy_id, policy_version, available_at, requested_at, run_id, reachable)
				SELECT $1::date, n, 'RENDERED', CASE WHEN n % $3 = 1 % $3 THEN 'UNKNOWN' ELSE 'SUCCEEDED' END, 0, 1, 1, now(), now(), 1, $4::smallint FROM generate_series(1, $2::bigint) AS n WHERE $3 > 0`,
			`INSERT INTO delivery_attempts (billing_month, user_id, attempt, round, state, owner, claimed_at, lease_until, channel, step, policy_id, policy_version, run_id,
				unknown_policy, provider, finished_at)
				SELECT $1::date, n, 0, 0, CASE WHEN n % $3 = 1 % $3 THEN 'UNKNOWN' ELSE 'SUCCEEDED' END, gen_random_uuid(), now() - interval '1 hour', now() - interval '1 hour', 'SMS', 0, 1, 1, 1, 'hold', 'nhn', now()
				FROM generate_series(1, $2::bigint) AS n WHERE $4::smallint > 0`,
		} {
			if _, err := tx.ExecContext(ctx, statement, day(month), rows, unknown, int(channel.NewSet(channel.SMS))); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = s.db.ExecContext(ctx, "ANALYZE")
	}
	return err
}

// hook is a result of a message in a request of NHN Cloud's.
type hook struct {
	ID        string `json:"hookId"`
	RequestID string `json:"requestId"`
	At        string `json:"receiveDate"`
	Number    string `json:"recipientNo"`
	State     string `json:"messageStatus"`
	Code      string `json:"resultCode"`
	Reference string `json:"recipientGroupingKey"`
}

// webhooks are the requests about a month's rows. Reports come in the order of the calls, more or less.
func (s *stage) webhooks(ctx context.Context, rows int) (requests [][]byte, err error) {
	references, err := s.references(ctx)
	if err != nil {
		return nil, err
	}
	for first := 1; first <= rows; first += perWebhook {
		var hooks []hook
		for user := first; user < min(first+perWebhook, rows+1); user++ {
			h := hook{
				ID: fmt.Sprint("h", user), RequestID: fmt.Sprint("r", user), At: "2026-11-30T10:06:42.000+09:00", Number: "01000000000", State: "COMPLETED", Code: "1000",
				Reference: references.To(key.Delivery{Month: firstMonth, UserID: int64(user)}),
			}
			if user%of20 == 2 {
				h.State, h.Code = "FAILED", "3001" // nobody has the number
			}
			hooks = append(hooks, h)
		}
		body, err := json.Marshal(map[string]any{"appKey": "bench", "event": "MESSAGE_RESULT_UPDATE", "hooks": hooks})
		if err != nil {
			return nil, err
		}
		requests = append(requests, body)
	}
	return requests, nil
}

// references are those of the stage's installation.
func (s *stage) references(ctx context.Context) (*reference.References, error) {
	var installation string
	if err := s.db.GetContext(ctx, &installation, `SELECT id FROM installation`); err != nil {
		return nil, err
	}
	return reference.New(installation, vendorWords)
}

// takesWebhooks sets up the role feedback, and returns where it takes what NHN Cloud says.
func (s *stage) takesWebhooks(ctx context.Context) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := listener.Addr().String() // nobody listens there in a moment
	s.asNHN(nobody)
	s.environment["BALSONG_FEEDBACK_ADDR"], s.environment["BALSONG_FEEDBACK_URL"] = address, "https://feedback.example.com"
	s.environment["BALSONG_FEEDBACK_INQUIRY_RATE"] = "0"
	return "http://" + address + "/reports/nhn", listener.Close()
}

// asNHN configures NHN Cloud.
func (s *stage) asNHN(url string) {
	for name, value := range map[string]string{"URL": url, "APP_KEY": "bench", "SECRET_KEY": "bench", "FROM": "15446859", "WEBHOOK_SECRET": vendorWords} {
		s.environment["BALSONG_NHN_"+name] = value
	}
	s.environment["BALSONG_REFERENCE_SECRETS"] = vendorWords
}

// listens waits until a service takes connections at an address.
func (b *bench) listens(ctx context.Context, address string, of service) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return connection.Close()
		}
		if err := b.nextTick(ctx, ticker.C, of.Process); err != nil {
			return err
		}
	}
}

// sendAll sends requests as a provider does: some at a time, and again what was not taken.
func sendAll(ctx context.Context, url string, requests [][]byte) error {
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range senders {
		group.Go(func() error {
			for i := next.Add(1) - 1; int(i) < len(requests); i = next.Add(1) - 1 {
				if err := send(ctx, client, url, requests[i]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

func send(ctx context.Context, client *http.Client, url string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Toast-Webhook-Signature", vendorWords)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("a webhook is answered by %s", response.Status)
	}
	return nil
}
