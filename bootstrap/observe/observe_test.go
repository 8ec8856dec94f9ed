package observe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

func ask(t *testing.T, s *Server, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return answer
}

func TestReadinessNamesTheComponentsThatAreWaitedForAndHealthDoesNotDependOnThem(t *testing.T) {
	t.Parallel()
	var down []string
	s := NewServer("", NewMetrics(), func() []string { return down })
	if a := ask(t, s, "/readyz"); a.Code != http.StatusOK {
		t.Fatalf("/readyz answers %d", a.Code)
	}
	down = []string{"database", "statements"}
	a := ask(t, s, "/readyz")
	var body struct {
		Status string
		Down   []string
	}
	if err := json.Unmarshal(a.Body.Bytes(), &body); err != nil || a.Code != http.StatusServiceUnavailable || body.Status != "waiting" || len(body.Down) != 2 {
		t.Fatalf("/readyz answers %d %s: %v", a.Code, a.Body, err)
	}
	if a := ask(t, s, "/healthz"); a.Code != http.StatusOK {
		t.Fatalf("/healthz answers %d while parts are down: the process would be killed for it", a.Code)
	}
}

func TestMetricsShowCountersTimesAndGauges(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	metric.Deliveries.Add(m, 2, attempt.Succeeded, "")
	metric.Deliveries.Add(m, 1, attempt.Failed, attempt.ReasonRefused)
	metric.GatewayCallDuration.Observe(m, 300*time.Millisecond, "smtp")
	metric.KafkaPartitionsAssigned.Set(m, 7, port.TopicRequests)
	text := ask(t, NewServer("", m, func() []string { return nil }), "/metrics").Body.String()
	for _, want := range []string{
		`balsong_deliveries_total{outcome="SUCCEEDED",reason=""} 2`, `balsong_deliveries_total{outcome="FAILED",reason="refused"} 1`,
		`balsong_gateway_call_duration_seconds_bucket{provider="smtp",le="0.5"} 1`,
		`balsong_kafka_partitions_assigned{topic="dispatch-requests.v1"} 7`, "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Of a series that appears with its first event Prometheus sees no increase, and an alert on that would stay silent.
func TestACounterWithoutLabelsIsThereBeforeItCounts(t *testing.T) {
	t.Parallel()
	text := ask(t, NewServer("", NewMetrics(), func() []string { return nil }), "/metrics").Body.String()
	if !strings.Contains(text, "\nbalsong_dead_letters_total 0\n") {
		t.Error("balsong_dead_letters_total is not 0 at the start")
	}
}

// Prometheus' own linter judges names, units and help texts.
func TestMetricsAreNamedAsPrometheusAdvises(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	for _, declared := range metric.All() {
		m.Record(declared, 1, declared.Labels...)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	families = slices.DeleteFunc(families, func(f *dto.MetricFamily) bool { return !strings.HasPrefix(f.GetName(), "balsong_") })
	if len(families) != len(metric.All()) {
		t.Errorf("%d metrics are served, %d declared", len(families), len(metric.All()))
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

func TestAnAddressThatIsTakenIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	err = NewServer(taken.Addr().String(), NewMetrics(), nil).Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) || !strings.Contains(err.Error(), "BALSONG_HEALTH_ADDR") {
		t.Fatalf("the error is %v", err)
	}
	if err := NewServer("", NewMetrics(), nil).Start(t.Context()); err != nil {
		t.Fatalf("without an address: %v", err)
	}
}

func TestALogLineHasAConstantMessageAndTypedFields(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	NewLog(NewZapTo(&out)).Warn("a component is down",
		port.Field{Key: "component", Value: "database"}, port.Field{Key: "tries", Value: 3}, port.Field{Key: "big", Value: int64(1 << 40)},
		port.Field{Key: "halted", Value: true}, port.Field{Key: "share", Value: 0.5}, port.Field{Key: "after", Value: 1500 * time.Millisecond},
		port.Field{Key: "at", Value: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)}, port.Field{Key: "error", Value: errors.New("gone")},
		port.Field{Key: "parts", Value: []string{"a", "b"}})
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%s: %v", out.String(), err)
	}
	for name, want := range map[string]any{
		"level": "warn", "msg": "a component is down", "component": "database", "tries": 3.0, "halted": true, "share": 0.5, "after": "1.5s",
		"at": "2026-11-22T03:00:00Z", "error": "gone",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if parts, ok := line["parts"].([]any); !ok || len(parts) != 2 {
		t.Errorf("parts is %v", line["parts"])
	}
}

type failure struct{ text string }

func (f *failure) Error() string { return f.text }

func TestAFailureWithoutATextIsLoggedAllTheSame(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	var nothing *failure
	NewLog(NewZapTo(&out)).Error("it failed", port.Field{Key: "error", Value: error(nothing)}, port.Field{Key: "count", Value: 1})
	if !strings.Contains(out.String(), `"error":"an error without a text (*observe.failure)","count":1`) {
		t.Errorf("the line is %s", &out)
	}
}

func TestALogSettingThatDoesNotExistIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"loud", "json"}, {"info", "xml"}, {"", "text"}} {
		if _, err := NewZap(c[0], c[1]); c[0] != "" && !errors.Is(err, ErrLevel) {
			t.Errorf("level %q, format %q: %v", c[0], c[1], err)
		}
	}
	for _, format := range []string{"json", "text"} {
		if _, err := NewZap("debug", format); err != nil {
			t.Error(err)
		}
	}
}

func TestTheShiftedClockIsAhead(t *testing.T) {
	t.Parallel()
	if ahead := time.Until(Clock{Shift: time.Hour}.Now()); ahead < 59*time.Minute || ahead > time.Hour {
		t.Fatalf("it is ahead by %s", ahead)
	}
	<-Clock{}.After(0)
}

// several is an error that zap would write as several fields, some of them objects.
type several struct{ error }

func (several) Errors() []error { return []error{errors.New("a"), errors.New("b")} }

func (s several) Format(to fmt.State, _ rune) { _, _ = fmt.Fprint(to, "many\nlines") }

func TestALogLineIsFlatAndItsTimesAreInUTC(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	seoul := time.FixedZone("KST", 9*3600)
	NewLog(NewZapTo(&out)).Error("it failed", port.Field{Key: "error", Value: several{errors.New("gone")}},
		port.Field{Key: "what", Value: struct{ A, B int }{1, 2}}, port.Field{Key: "at", Value: time.Date(2026, 11, 22, 12, 0, 0, 0, seoul)})
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 {
		t.Fatalf("%s: %v", out.String(), err)
	}
	for name, value := range line {
		if _, text := value.(string); !text {
			t.Errorf("%s is %v", name, value)
		}
	}
	if len(line) != 6 || line["at"] != "2026-11-22T03:00:00Z" || line["error"] != "gone" || !strings.HasSuffix(fmt.Sprint(line["time"]), "Z") {
		t.Errorf("the line is %s", out.String())
	}
}
