package gatewaysim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/acceptlog"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// testBundle is a running gateway and what tests ask of it.
type testBundle struct {
	*Server
	dir string
}

// setup starts a gateway on free ports and stops it at the end of the test.
func setup(t *testing.T, change func(*Config)) *testBundle {
	t.Helper()
	config := Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0",
		DataDir: t.TempDir(), Log: zap.NewNop(),
	}
	if change != nil {
		change(&config)
	}
	server, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	b := &testBundle{Server: server, dir: config.DataDir}
	t.Cleanup(func() { b.stop(t) })
	return b
}

func (b *testBundle) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := b.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// records stops the gateway and reads its accept log.
func (b *testBundle) records(t *testing.T) []acceptlog.Record {
	t.Helper()
	b.stop(t)
	return readLog(t, b.dir)
}

func readLog(t *testing.T, dir string) []acceptlog.Record {
	t.Helper()
	var records []acceptlog.Record
	_, err := acceptlog.ReadFile(AcceptLogPath(dir), func(r acceptlog.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

// reply is what an HTTP call came to.
type reply struct {
	status     int
	code, id   string
	retryAfter string
	err        error
}

// post calls the gateway once. A new connection each time, and a body that
// cannot be rewound: net/http would otherwise repeat a call with this header.
func (b *testBundle) post(path, key, body string) reply {
	request, err := http.NewRequest(http.MethodPost, "http://"+b.HTTPAddr()+path, io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return reply{err: err}
	}
	request.Close = true
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{err: err}
	}
	defer response.Body.Close()
	var answer struct {
		Code string `json:"code"`
		ID   string `json:"message_id"`
	}
	err = json.NewDecoder(response.Body).Decode(&answer)
	return reply{response.StatusCode, answer.Code, answer.ID, response.Header.Get("Retry-After"), err}
}

const (
	textMessage = `{"to":"01012345678","text":"Your bill is ready","class":"LMS"}`
	pushMessage = `{"to":"token-of-a-device-0123456789","title":"Bill","text":"Your bill is ready"}`
)

func TestAcceptedCallsStandInTheLogWithHashesOnly(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	if got := b.post("/sms", "2026-11/1/0/0", textMessage); got.status != 202 || got.id != "SMS-1" {
		t.Errorf("sms: %+v", got)
	}
	if got := b.post("/push", "2026-11/2/0/0", pushMessage); got.status != 202 || got.id != "PUSH-2" {
		t.Errorf("push: %+v", got)
	}
	records := b.records(t)
	if len(records) != 2 {
		t.Fatalf("%d records", len(records))
	}
	r := records[0]
	if !r.Accepted || r.Dropped || r.Channel != "SMS" || r.IdempotencyKey != "2026-11/1/0/0" || r.Sequence != 1 ||
		r.Destination != acceptlog.HashDestination("01012345678") || r.Content != acceptlog.HashContent([]byte("Your bill is ready")) {
		t.Errorf("record %+v", r)
	}
	if want := acceptlog.HashContent([]byte("Bill\nYour bill is ready")); records[1].Content != want {
		t.Errorf("push content %v, want %v", records[1].Content, want)
	}
}

func TestEachRefusalHasItsCode(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		set    func(*Settings)
		path   string
		status int
		code   string
	}{
		"permanent sms":  {func(s *Settings) { s.SMS.Permanent = 1 }, "/sms", 400, "invalid_destination"},
		"permanent push": {func(s *Settings) { s.Push.Permanent = 1 }, "/push", 410, "unregistered"},
		"content":        {func(s *Settings) { s.SMS.Content = 1 }, "/sms", 400, "content_rejected"},
		"temporary":      {func(s *Settings) { s.SMS.Temporary = 1 }, "/sms", 503, "temporarily_refused"},
		"throttled":      {func(s *Settings) { s.Push.Throttled, s.Push.RetryAfter = 1, behaviour.Duration(time.Second) }, "/push", 429, "throttled"},
		"everybody":      {func(s *Settings) { s.SMS.Everybody = behaviour.Everybody{Code: 401, Text: `{"code":"unauthorized"}`} }, "/sms", 401, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *Config) { test.set(&c.Settings) })
			body := textMessage
			if test.path == "/push" {
				body = pushMessage
			}
			got := b.post(test.path, "2026-11/1/0/0", body)
			if got.status != test.status || got.code != test.code || got.err != nil {
				t.Errorf("got %+v", got)
			}
			if test.status == 429 && got.retryAfter != "1" {
				t.Errorf("Retry-After %q", got.retryAfter)
			}
			class, _, _ := strings.Cut(name, " ")
			if records := b.records(t); len(records) != 1 || records[0].Accepted || records[0].Class != class {
				t.Errorf("log %+v", records)
			}
		})
	}
}

func TestAnAnswerToEverybodyThatAcceptsIsInTheAcceptLog(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.SMS.Everybody = behaviour.Everybody{Code: 202, Text: "OK"} })
	for range 2 {
		if got := b.post("/sms", "2026-11/1/0/0", textMessage); got.status != 202 {
			t.Errorf("got %+v", got)
		}
	}
	if records := b.records(t); len(records) != 2 || !records[0].Accepted {
		t.Errorf("log %+v", records)
	}
	if stats := b.Stats(); stats.AcceptedAgain != 1 {
		t.Errorf("%+v", stats)
	}
}

func TestCallsThatBreakTheContractAreNotAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, test := range map[string]struct {
		key, body string
		status    int
		code      string
	}{
		"no json":        {"k", "hello", 400, "bad_request"},
		"no text":        {"k", `{"to":"01012345678"}`, 400, "bad_request"},
		"unknown class":  {"k", `{"to":"01012345678","text":"x","class":"MMS"}`, 400, "bad_request"},
		"no destination": {"k", `{"text":"x"}`, 400, "invalid_destination"},
		"hyphens":        {"k", `{"to":"010-1234-5678","text":"x"}`, 400, "bad_request"},
		"Korea abroad":   {"k", `{"to":"+821012345678","text":"x"}`, 400, "bad_request"},
		"long key":       {strings.Repeat("k", 201), textMessage, 400, "bad_request"},
		"too large":      {"k", `{"to":"1","text":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too_large"},
	} {
		if got := b.post("/sms", test.key, test.body); got.status != test.status || got.code != test.code {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := b.Stats(); got.Accepted != 0 || got.Refused["invalid"] != 6 || got.Refused["permanent"] != 1 {
		t.Errorf("stats %+v", got)
	}
}

func TestAcceptThenDropLogsTheMessageAndBreaksTheConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) { c.Settings.SMS.AcceptThenDrop = 1 })
	if got := b.post("/sms", "2026-11/1/0/0", textMessage); got.err == nil {
		t.Errorf("there was an answer: %+v", got)
	}
	if got := b.Stats(); got.Accepted != 1 || got.Dropped != 1 || got.Channels["SMS"].Dropped != 1 {
		t.Errorf("stats %+v", got)
	}
	records := b.records(t)
	if len(records) != 1 || !records[0].Accepted || !records[0].Dropped {
		t.Errorf("log %+v", records)
	}
}

// heldFile is a log file whose Sync waits for leave.
type heldFile struct {
	io.Writer
	syncing, leave chan struct{}
	once           sync.Once
}

func (f *heldFile) Sync() error {
	f.once.Do(func() { close(f.syncing) })
	<-f.leave
	return nil
}

func (f *heldFile) Close() error { return nil }

func TestNoAnswerBeforeTheLogIsDurable(t *testing.T) {
	t.Parallel()
	file := &heldFile{Writer: io.Discard, syncing: make(chan struct{}), leave: make(chan struct{})}
	b := setup(t, func(c *Config) {
		c.openLog = func(string) (*acceptlog.Writer, error) { return acceptlog.NewWriter(file, 1), nil }
	})
	answered := make(chan reply, 1)
	go func() { answered <- b.post("/sms", "2026-11/1/0/0", textMessage) }()
	<-file.syncing
	select {
	case got := <-answered:
		t.Errorf("answered before the fsync ended: %+v", got)
	case <-time.After(50 * time.Millisecond): // time enough for a wrong answer to come
	}
	close(file.leave)
	if got := <-answered; got.status != 202 {
		t.Errorf("after the fsync: %+v", got)
	}
}

func TestRateLimitRefusesWithRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := setup(t, func(c *Config) {
		c.Settings.SMS.TPS = 2
		c.now = func() time.Time { return now } // stands still: no token comes back
	})
	statuses := make(map[int]int)
	for range 5 {
		statuses[b.post("/sms", "", textMessage).status]++
	}
	if statuses[202] != 2 || statuses[429] != 3 {
		t.Errorf("statuses %v", statuses)
	}
	if got := b.post("/push", "", pushMessage); got.status != 202 {
		t.Errorf("another channel's limit counts: %+v", got)
	}
}

func TestAGatewayStartedAgainContinuesItsLogOnTheSamePorts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := setup(t, func(c *Config) { c.DataDir = dir })
	first.post("/sms", "2026-11/1/0/0", textMessage)
	if _, err := Start(t.Context(), Config{
		SMTPAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0", AdminAddr: "127.0.0.1:0", DataDir: dir, Log: zap.NewNop(),
	}); err == nil || !strings.Contains(err.Error(), "another gateway") {
		t.Errorf("a second gateway on the directory: %v", err)
	}
	smtpAddr, httpAddr, adminAddr := first.SMTPAddr(), first.HTTPAddr(), first.AdminAddr()
	first.stop(t)
	second := setup(t, func(c *Config) {
		c.DataDir, c.SMTPAddr, c.HTTPAddr, c.AdminAddr = dir, smtpAddr, httpAddr, adminAddr
	})
	if got := second.post("/sms", "2026-11/2/0/0", textMessage); got.id != "SMS-2" {
		t.Errorf("got %+v", got)
	}
	if records := second.records(t); len(records) != 2 || records[1].Sequence != 2 {
		t.Errorf("log %+v", records)
	}
	inbox, err := OpenInbox(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	if inbox.Len() != 2 {
		t.Errorf("the inbox has %d messages", inbox.Len())
	}
}

func TestStopEndsLatencyAndStillAnswers(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *Config) {
		c.Settings.SMS.Latency.Mean = 600e9
		zero := 0.0
		c.Settings.SMS.AcceptAt = &zero
	})
	answered := make(chan reply, 1)
	go func() { answered <- b.post("/sms", "2026-11/1/0/0", textMessage) }()
	waittest.Wait{Every: time.Millisecond}.Until(t, "the call is accepted", func() bool { return b.Stats().Accepted > 0 })
	b.stop(t)
	if got := <-answered; got.status != 202 {
		t.Errorf("got %+v", got)
	}
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	bad := Config{Settings: Settings{}, SMTPAddr: "nowhere", Username: "u"}
	bad.Settings.SMS.Temporary = 2
	_, err := Start(t.Context(), bad)
	if err == nil {
		t.Fatal("started")
	}
	for _, want := range []string{"data directory", "logger", "SMTP address", "password", "channel SMS: temporary is 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	b := setup(t, nil)
	_, err = Start(t.Context(), Config{SMTPAddr: b.SMTPAddr(), DataDir: filepath.Join(t.TempDir(), "d"), Log: zap.NewNop()})
	if err == nil || !strings.Contains(err.Error(), b.SMTPAddr()) {
		t.Errorf("port in use: %v", err)
	}
}
