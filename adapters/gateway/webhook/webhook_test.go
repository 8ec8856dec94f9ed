package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// reporter answers what its request says.
type reporter struct{}

func (reporter) Reports(_ context.Context, request port.Webhook) (port.Said, error) {
	switch body := string(request.Body); body {
	case "forged":
		return port.Said{}, fmt.Errorf("%w: no signature", port.ErrForged)
	case "nonsense":
		return port.Said{}, fmt.Errorf("%w: no JSON", port.ErrUnreadable)
	case "half":
		return port.Said{Reports: []report.Report{{ID: body}}}, errors.New("the list cannot be read to its end")
	case "down":
		return port.Said{}, errors.New("the certificate cannot be fetched")
	case "foreign":
		return port.Said{Foreign: 1}, nil
	case "answer":
		return port.Said{Answer: []byte("<ok/>")}, nil
	default:
		return port.Said{Reports: []report.Report{{ID: request.URL + " " + body}}}, nil
	}
}

// taken is what a handler stored and saw.
type taken struct {
	mu      sync.Mutex
	reports []report.Report
	results []webhook.Result
	fails   error
}

func (k *taken) receive(_ context.Context, reports []report.Report) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fails != nil {
		return k.fails
	}
	k.reports = append(k.reports, reports...)
	return nil
}

func (k *taken) observe(_ string, result webhook.Result, _ port.Said, _ error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.results = append(k.results, result)
}

func config(k *taken) webhook.Config {
	return webhook.Config{
		Root: "https://feedback.example.com", Providers: map[string]port.Reporter{"signed": reporter{}, "unsigned": reporter{}},
		Secrets: map[string]string{"unsigned": "secret-of-the-path"}, Receive: k.receive, Observe: k.observe, MaxBody: 100,
		Now: func() time.Time { return time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC) },
	}
}

func post(h http.Handler, path string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, body))
	return w
}

func TestEachRequestHasItsDefinedEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path, body string
		status     int
		result     webhook.Result // "": not a provider's at all
		stored     int
	}{
		"a report":               {"/reports/signed?month=11", "delivered", http.StatusNoContent, webhook.Stored, 1},
		"a report by a secret":   {"/reports/unsigned/secret-of-the-path", "delivered", http.StatusNoContent, webhook.Stored, 1},
		"without the secret":     {"/reports/unsigned", "delivered", http.StatusForbidden, webhook.Forged, 0},
		"another secret":         {"/reports/unsigned/secret-of-the-pat", "delivered", http.StatusForbidden, webhook.Forged, 0},
		"a secret that is none":  {"/reports/signed/guess", "delivered", http.StatusForbidden, webhook.Forged, 0},
		"forged":                 {"/reports/signed", "forged", http.StatusForbidden, webhook.Forged, 0},
		"nonsense":               {"/reports/signed", "nonsense", http.StatusUnprocessableEntity, webhook.Unreadable, 0},
		"too large":              {"/reports/signed", strings.Repeat("x", 101), http.StatusRequestEntityTooLarge, webhook.TooLarge, 0},
		"not ours":               {"/reports/signed", "foreign", http.StatusNoContent, webhook.Stored, 0},
		"with an answer":         {"/reports/signed", "answer", http.StatusOK, webhook.Stored, 0},
		"it cannot be verified":  {"/reports/signed", "down", http.StatusServiceUnavailable, webhook.Failed, 0},
		"half of it is known":    {"/reports/signed", "half", http.StatusServiceUnavailable, webhook.Failed, 1},
		"of an unknown provider": {"/reports/other", "delivered", http.StatusNotFound, "", 0},
		"of another path":        {"/", "delivered", http.StatusNotFound, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var k taken
			w := post(webhook.New(config(&k)), c.path, strings.NewReader(c.body))
			if w.Code != c.status || len(k.reports) != c.stored {
				t.Errorf("status %d, %d reports stored, want %d and %d", w.Code, len(k.reports), c.status, c.stored)
			}
			if c.result == "" && len(k.results) > 0 || c.result != "" && (len(k.results) != 1 || k.results[0] != c.result) {
				t.Errorf("results %v, want %q", k.results, c.result)
			}
			if again := w.Header().Get("Retry-After"); (c.status >= 500) != (again != "") {
				t.Errorf("Retry-After is %q", again)
			}
		})
	}
}

// Else a load balancer would send requests elsewhere, or to nobody, while the database is away: providers come again after an answer.
func TestALoadBalancerLearnsThatRequestsAreTakenWhileNothingCanBeStored(t *testing.T) {
	t.Parallel()
	k := taken{fails: errors.New("no database")}
	w := httptest.NewRecorder()
	webhook.New(config(&k)).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody))
	if w.Code != http.StatusOK || len(k.results) != 0 {
		t.Errorf("status %d, and %v is counted", w.Code, k.results)
	}
}

// A signature is over the address that the provider was given, which is not the one that a proxy in front of the service calls.
func TestAReporterSeesTheAddressThatTheProviderWasGiven(t *testing.T) {
	t.Parallel()
	var k taken
	post(webhook.New(config(&k)), "/reports/signed?month=11", strings.NewReader("x"))
	if want := "https://feedback.example.com/reports/signed?month=11 x"; len(k.reports) != 1 || k.reports[0].ID != want {
		t.Errorf("%+v, want %s", k.reports, want)
	}
}

func TestWhatCannotBeStoredIsAskedForAgain(t *testing.T) {
	t.Parallel()
	k := taken{fails: errors.New("no database")}
	h := webhook.New(config(&k))
	if w := post(h, "/reports/signed", strings.NewReader("x")); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", w.Code)
	}
	k.fails = nil
	if w := post(h, "/reports/signed", strings.NewReader("x")); w.Code != http.StatusNoContent || len(k.reports) != 1 {
		t.Errorf("the repetition: status %d, %d reports", w.Code, len(k.reports))
	}
}

func TestMoreRequestsAtOnceThanItTakesAreAskedToComeAgain(t *testing.T) {
	t.Parallel()
	var k taken
	entered, leave := make(chan struct{}), make(chan struct{})
	c := config(&k)
	c.AtOnce = 1
	c.Receive = func(context.Context, []report.Report) error {
		close(entered)
		<-leave
		return nil
	}
	h := webhook.New(c)
	var first sync.WaitGroup
	first.Go(func() { post(h, "/reports/signed", strings.NewReader("x")) })
	<-entered
	if w := post(h, "/reports/signed", strings.NewReader("x")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	close(leave)
	first.Wait()
	if len(k.results) != 2 || k.results[0] != webhook.Busy || k.results[1] != webhook.Stored {
		t.Errorf("results %v", k.results)
	}
}

func TestARequestThatIsCutOffSaysNothing(t *testing.T) {
	t.Parallel()
	var k taken
	body := io.MultiReader(strings.NewReader("deli"), failing{})
	if w := post(webhook.New(config(&k)), "/reports/signed", body); w.Code != http.StatusUnprocessableEntity || len(k.reports) != 0 {
		t.Errorf("status %d, %d reports", w.Code, len(k.reports))
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// slow is a body that has no more before it is told to.
type slow struct {
	io.Reader
	begun, more chan struct{}
	once        sync.Once
}

func (s *slow) Read(b []byte) (int, error) {
	s.once.Do(func() {
		close(s.begun)
		<-s.more
	})
	return s.Reader.Read(b)
}

func TestASlowSenderHoldsNoPlaceOfOthers(t *testing.T) {
	t.Parallel()
	var k taken
	c := config(&k)
	c.AtOnce = 1
	h := webhook.New(c)
	body := &slow{Reader: strings.NewReader("slow"), begun: make(chan struct{}), more: make(chan struct{})}
	var first sync.WaitGroup
	first.Go(func() { post(h, "/reports/signed", body) })
	<-body.begun
	if w := post(h, "/reports/signed", strings.NewReader("x")); w.Code != http.StatusNoContent {
		t.Errorf("status %d", w.Code)
	}
	close(body.more)
	first.Wait()
	if len(k.reports) != 2 {
		t.Errorf("stored %+v", k.reports)
	}
}

func TestLargeBodiesShareABoundedMemoryAndSmallOnesHaveTheirOwn(t *testing.T) {
	t.Parallel()
	const large = 1 << 20
	var k taken
	c := config(&k)
	c.MaxBody, c.MaxMemory = large, large
	h := webhook.New(c)
	rest := &slow{Reader: strings.NewReader("x"), begun: make(chan struct{}), more: make(chan struct{})}
	var first sync.WaitGroup
	first.Go(func() {
		post(h, "/reports/signed", io.MultiReader(strings.NewReader(strings.Repeat("x", large-1)), rest))
	})
	<-rest.begun
	if w := post(h, "/reports/signed", strings.NewReader(strings.Repeat("x", large))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a second large one: status %d", w.Code)
	}
	if w := post(h, "/reports/signed", strings.NewReader(strings.Repeat("x", 16<<10))); w.Code != http.StatusNoContent {
		t.Errorf("a small one: status %d", w.Code)
	}
	close(rest.more)
	first.Wait()
	for range 3 { // what was held is given back
		if w := post(h, "/reports/signed", strings.NewReader(strings.Repeat("x", large))); w.Code != http.StatusNoContent {
			t.Errorf("later: status %d", w.Code)
		}
	}
}

func TestAnErrorOfThisProgramIsSeenAndAskedForAgain(t *testing.T) {
	t.Parallel()
	var k taken
	c := config(&k)
	c.Receive = func(context.Context, []report.Report) error { panic("no such index") }
	seen := error(nil)
	c.Observe = func(_ string, _ webhook.Result, _ port.Said, err error) { seen = err }
	if w := post(webhook.New(c), "/reports/signed", strings.NewReader("x")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
	if seen == nil || !strings.Contains(seen.Error(), "webhook_test.go") || strings.Contains(seen.Error(), "no such index") {
		t.Errorf("seen: %v", seen)
	}
}

func TestARequestIsWorkedOnForABoundedTime(t *testing.T) {
	t.Parallel()
	var k taken
	c := config(&k)
	c.Timeout = time.Millisecond
	c.Receive = func(ctx context.Context, _ []report.Report) error {
		<-ctx.Done()
		return ctx.Err()
	}
	if w := post(webhook.New(c), "/reports/signed", strings.NewReader("x")); w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d", w.Code)
	}
}
