package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/sns"
	"github.com/balsong/balsong/adapters/gateway/sns/snstest"
	"github.com/balsong/balsong/adapters/gateway/sqs"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

const queue = "https://sqs.ap-northeast-2.amazonaws.com/123456789012/balsong-1-feedback"

var now = snstest.Now

// paced is a clock whose pauses pass at once.
type paced struct{ *memory.Clock }

func (c paced) After(d time.Duration) <-chan time.Time {
	c.Advance(d)
	return c.Clock.After(0)
}

// named is an installation with an id.
type named string

func (n named) ID(context.Context) (string, error) { return string(n), nil }

// world is a reader of a queue, and what it stored and saw.
type world struct {
	sqs     *service
	sns     *snstest.Service
	log     *memory.Log
	stored  []report.Report
	results []string
	stores  func([]report.Report) error // nil: it is stored
	change  func(*sqs.Config)           // nil: nothing
	cancel  context.CancelFunc          // tells the reader to stop
}

// envelope is a publication as SNS signs it.
func envelope(t testing.TB, s *snstest.Service, text string, change func(snstest.Fields)) string {
	t.Helper()
	f := snstest.Notification(text)
	if change != nil {
		change(f)
	}
	body, err := json.Marshal(s.Sign(t, f))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// read tells a reporter what a publication says: a text is the id of a report; "foreign" is about nothing of ours.
func read(provider, text string, _ reference.Finder) (port.Said, error) {
	switch text {
	case "foreign":
		return port.Said{Foreign: 1}, nil
	case "nonsense":
		return port.Said{}, port.ErrUnreadable
	}
	return port.Said{Reports: []report.Report{{Provider: provider, ID: text}}}, nil
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return &world{sqs: newService(t), sns: snstest.New(t, "sns.amazonaws.com", 24*time.Hour), log: &memory.Log{}}
}

func (w *world) put(bodies ...string) {
	w.sqs.change(func() {
		for _, body := range bodies {
			w.sqs.messages[fmt.Sprint("handle-", len(w.sqs.messages))] = &message{body: body, sent: now}
		}
	})
}

// start reads the queue until stop, which returns when the reader has ended.
func (w *world) start(t testing.TB) (stop func()) {
	t.Helper()
	source, err := reference.NewSource(named("prod42"), "a-secret-of-32-characters-or-more")
	if err != nil {
		t.Fatal(err)
	}
	reports, err := sns.NewReports("ses", snstest.Topic, source, w.sns, read)
	if err != nil {
		t.Fatal(err)
	}
	config := sqs.Config{
		Queue: queue, URL: w.sqs.URL, Identity: awscalltest.Identity{Region: "ap-northeast-2"}, Readers: 2,
		Topics: map[string]string{snstest.Topic: "ses"}, Providers: map[string]port.Reporter{"ses": reports},
		Receive: w.receive, Observe: w.observe, Watch: outage.New(paced{memory.NewClock(now)}, w.log), Now: func() time.Time { return now },
	}
	if w.change != nil {
		w.change(&config)
	}
	reader, err := sqs.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); reader.Run(ctx) }()
	w.cancel = cancel
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

func (w *world) receive(_ context.Context, reports []report.Report) (err error) {
	w.sqs.change(func() {
		if w.stores != nil {
			err = w.stores(reports)
		}
		if err == nil {
			w.stored = append(w.stored, reports...)
		}
	})
	return err
}

func (w *world) observe(provider string, result webhook.Result, said port.Said, _ error) {
	w.sqs.change(func() {
		w.results = append(w.results, fmt.Sprintf("%s %s %d+%d", provider, result, len(said.Reports), said.Foreign))
	})
}

// ids are those of the stored reports, sorted.
func (w *world) ids() []string {
	var ids []string
	for i := range w.stored {
		ids = append(ids, w.stored[i].ID)
	}
	slices.Sort(ids)
	return ids
}

func TestWhatIsStoredIsDeletedFromTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var early bool
	w.stores = func([]report.Report) error { early = early || len(w.sqs.deleted) > 0; return nil }
	w.put(envelope(t, w.sns, "a", nil), envelope(t, w.sns, "foreign", nil))
	w.start(t)
	w.sqs.await(t, func() bool { return len(w.sqs.deleted) == 2 })
	slices.Sort(w.results)
	if want := []string{"ses stored 0+1", "ses stored 1+0"}; !slices.Equal(w.ids(), []string{"a"}) || !slices.Equal(w.results, want) || early {
		t.Errorf("stored %q, saw %q, deleted before it was stored: %v", w.ids(), w.results, early)
	}
}

// What cannot be read is not deleted: SQS puts it into the queue of dead letters.
func TestWhatCannotBeReadIsLeftToTheQueue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body func(t *testing.T, s *snstest.Service) string
		want string
	}{
		"raw delivery": {func(*testing.T, *snstest.Service) string { return `{"eventType":"Bounce"}` }, "unknown forged 0+0"},
		"no JSON":      {func(*testing.T, *snstest.Service) string { return "hello" }, "unknown forged 0+0"},
		"another topic": {func(t *testing.T, s *snstest.Service) string {
			return envelope(t, s, "a", func(f snstest.Fields) { f["TopicArn"] += "x" })
		}, "unknown forged 0+0"},
		"another signature": {func(t *testing.T, s *snstest.Service) string {
			return strings.Replace(envelope(t, s, "amount", nil), "amount", "changed", 1)
		}, "ses forged 0+0"},
		"no event": {func(t *testing.T, s *snstest.Service) string { return envelope(t, s, "nonsense", nil) }, "ses unreadable 0+0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.put(c.body(t, w.sns), envelope(t, w.sns, "a", nil))
			stop := w.start(t)
			w.sqs.await(t, func() bool { return len(w.results) == 2 && len(w.sqs.deleted) == 1 })
			stop()
			if !slices.Contains(w.results, c.want) || !slices.Equal(w.ids(), []string{"a"}) || len(w.sqs.messages) != 1 {
				t.Errorf("saw %q, stored %q, left %d", w.results, w.ids(), len(w.sqs.messages))
			}
		})
	}
}

// A message that is given ten times counts as one that cannot be read: an outage must not do that.
func TestAnOutageOfTheStorageIsWaitedForWithTheMessagesHeld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tries := 0
	w.stores = func([]report.Report) error {
		if tries++; tries <= 50 {
			return fmt.Errorf("connect: %w", port.ErrUnavailable)
		}
		return nil
	}
	w.put(envelope(t, w.sns, "a", nil))
	w.start(t)
	w.sqs.await(t, func() bool { return len(w.sqs.deleted) == 1 })
	if !slices.Equal(w.ids(), []string{"a"}) || len(w.results) != 1 || tries != 51 {
		t.Errorf("stored %q, saw %q after %d tries", w.ids(), w.results, tries)
	}
	if lines := w.log.Find("a component is down; waiting for it, nothing is lost"); len(lines) != 1 || lines[0].Field("component") != "storage of reports" {
		t.Errorf("%v", lines)
	}
}

func TestAReportThatCannotBeStoredKeepsNoOtherFromBeingStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stores = func(reports []report.Report) error {
		if slices.ContainsFunc(reports, func(r report.Report) bool { return r.ID == "bad" }) {
			return fmt.Errorf("its key: %w", port.ErrInvalid)
		}
		return nil
	}
	w.put(envelope(t, w.sns, "a", nil), envelope(t, w.sns, "bad", nil), envelope(t, w.sns, "b", nil))
	stop := w.start(t)
	w.sqs.await(t, func() bool { return len(w.results) == 3 && len(w.sqs.deleted) == 2 })
	stop()
	if !slices.Equal(w.ids(), []string{"a", "b"}) || !slices.Contains(w.results, "ses unreadable 0+0") {
		t.Errorf("stored %q, saw %q", w.ids(), w.results)
	}
}

func TestAnOutageOfTheQueueIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"ReceiveMessage", "DeleteMessageBatch"} {
		w := newWorld(t)
		w.sqs.fails[action] = "AccessDeniedException"
		w.put(envelope(t, w.sns, "a", nil))
		w.start(t)
		w.sqs.await(t, func() bool { return w.sqs.asked[action] >= 5 })
		w.sqs.change(func() { delete(w.sqs.fails, action) })
		w.sqs.await(t, func() bool { return len(w.sqs.deleted) == 1 })
		if !slices.Equal(w.ids(), []string{"a"}) {
			t.Errorf("%s: stored %q", action, w.ids())
		}
		lines := w.log.Find("a component is down; waiting for it, nothing is lost")
		if len(lines) != 1 || !strings.Contains(fmt.Sprint(lines[0].Field("error")), "AccessDeniedException: no "+action) {
			t.Errorf("%s: %v", action, lines)
		}
	}
}

func TestAReaderThatIsToStopEndsWhatItWasGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	began, proceed := make(chan struct{}), make(chan struct{})
	w.stores = func([]report.Report) error { close(began); <-proceed; return nil }
	w.put(envelope(t, w.sns, "a", nil))
	stop := w.start(t)
	<-began
	w.cancel()
	close(proceed)
	stop()
	if !slices.Equal(w.ids(), []string{"a"}) || len(w.sqs.deleted) != 1 {
		t.Errorf("stored %q, deleted %q", w.ids(), w.sqs.deleted)
	}
}

// A message of SNS is refused over HTTPS after two hours; in a queue it may wait for as long as SQS keeps it.
func TestAMessageMayHaveWaitedForWeeks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.put(envelope(t, w.sns, "weeks", func(f snstest.Fields) { f["Timestamp"] = now.AddDate(0, 0, -27).Format("2006-01-02T15:04:05.000Z") }),
		envelope(t, w.sns, "year", func(f snstest.Fields) { f["Timestamp"] = now.AddDate(0, 0, -29).Format("2006-01-02T15:04:05.000Z") }))
	stop := w.start(t)
	w.sqs.await(t, func() bool { return len(w.results) == 2 && len(w.sqs.deleted) == 1 })
	stop()
	if !slices.Equal(w.ids(), []string{"weeks"}) || !slices.Contains(w.results, "ses forged 0+0") {
		t.Errorf("stored %q, saw %q", w.ids(), w.results)
	}
}

func TestOnlyAStandardQueueOfSQSIsRead(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]error{
		queue: nil, "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q": nil,
		"": sqs.ErrQueue, "arn:aws:sqs:ap-northeast-2:123456789012:q": sqs.ErrQueue, queue + ".fifo": sqs.ErrQueue, queue + "/x": sqs.ErrQueue,
		"http://sqs.ap-northeast-2.amazonaws.com/123456789012/q": sqs.ErrQueue, "https://sqs.ap-northeast-2.example.com/123456789012/q": sqs.ErrQueue,
	} {
		if _, err := sqs.New(sqs.Config{Queue: url}); !errors.Is(err, want) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
