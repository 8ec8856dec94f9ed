package observe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// What the specification allows (Amazon CloudWatch User Guide, "Specification: Embedded metric format").
const (
	mostMetrics    = 100
	mostDimensions = 30
	mostBytes      = 256 << 10
)

var units = []string{"Seconds", "Count", "None"} // of those that MetricDatum has, the ones that are written

// line is one line as CloudWatch reads it: the values of each metric, and the sets of dimensions that it is kept under.
type line struct {
	at         time.Time
	values     map[string][]float64
	units      map[string]string
	dimensions []string // each as name=value, name=value
}

// parseEMF reads lines as strictly as the specification is written: whatever it does not name is an error, except for root
// members that something refers to.
func parseEMF(t *testing.T, text []byte) (lines []line) {
	t.Helper()
	for raw := range bytes.Lines(text) {
		if !bytes.HasSuffix(raw, []byte("\n")) || len(raw) > mostBytes {
			t.Fatalf("a line of %d bytes, or without an end", len(raw))
		}
		var root map[string]json.RawMessage
		strict(t, raw, &root)
		var meta struct {
			Timestamp         *int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		}
		strict(t, root["_aws"], &meta)
		if meta.Timestamp == nil || len(meta.CloudWatchMetrics) != 1 {
			t.Fatalf("no time, or not one directive: %s", raw)
		}
		d := meta.CloudWatchMetrics[0]
		if d.Namespace != "Balsong" || len(d.Metrics) == 0 || len(d.Metrics) > mostMetrics || len(d.Dimensions) == 0 {
			t.Fatalf("a directive that is not allowed: %+v", d)
		}
		l := line{at: time.UnixMilli(*meta.Timestamp).UTC(), values: map[string][]float64{}, units: map[string]string{}}
		used := []string{"_aws"}
		for _, set := range d.Dimensions {
			if len(set) > mostDimensions {
				t.Fatalf("%d dimensions", len(set))
			}
			var words []string
			for _, name := range set {
				var value string
				strict(t, root[name], &value)
				if value == "" || len(name) > 250 || len(value) > 1024 {
					t.Fatalf("the dimension %s is %q", name, value)
				}
				used, words = append(used, name), append(words, name+"="+value)
			}
			l.dimensions = append(l.dimensions, strings.Join(words, ", "))
		}
		for _, m := range d.Metrics {
			if !slices.Contains(units, m.Unit) || slices.Contains(used, m.Name) {
				t.Fatalf("%s has the unit %q, or is named twice", m.Name, m.Unit)
			}
			var values []float64
			if bytes.HasPrefix(root[m.Name], []byte("[")) {
				strict(t, root[m.Name], &values)
			} else {
				values = []float64{0}
				strict(t, root[m.Name], &values[0])
			}
			if len(values) == 0 || len(values) > 100 {
				t.Fatalf("%s has %d values", m.Name, len(values))
			}
			used = append(used, m.Name)
			l.values[m.Name], l.units[m.Name] = values, m.Unit
		}
		for name := range root {
			if !slices.Contains(used, name) {
				t.Errorf("nothing refers to %s", name)
			}
		}
		lines = append(lines, l)
	}
	return lines
}

func strict(t *testing.T, raw []byte, to any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(to); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
}

var noon = time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)

func emf(t *testing.T, e *EMF, out *bytes.Buffer) []line {
	t.Helper()
	out.Reset()
	if err := e.Write(noon); err != nil {
		t.Fatal(err)
	}
	return parseEMF(t, out.Bytes())
}

func TestAMinuteOfASettlementIsOneLineOfTheEmbeddedMetricFormat(t *testing.T) {
	t.Parallel()
	m, out := NewMetrics(), &bytes.Buffer{}
	metric.DeliveryLag.Set(m, 12_345)
	metric.DeliveryTimeLeft.Set(m, math.Inf(1))
	metric.OldestRequestAge.Set(m, 1.5)
	metric.StandbyLag.Set(m, 3) // not essential
	metric.ComponentUp.Set(m, 1, "database")
	metric.ComponentUp.Set(m, 0, "event log")
	metric.GatewayHeld.Set(m, 1, "smtp") // delivery's
	metric.DeadLetters.Add(m, 1)
	lines := emf(t, NewEMF(m, "bills", port.ServiceSettlement, out), out)
	if len(lines) != 1 || !lines[0].at.Equal(noon) || !slices.Equal(lines[0].dimensions, []string{"Installation=bills, Service=settlement"}) {
		t.Fatalf("it writes %+v", lines)
	}
	got := lines[0]
	for name, want := range map[string]string{
		"balsong_delivery_lag_messages": "[12345] None", "balsong_oldest_request_age_seconds": "[1.5] Seconds",
		"balsong_component_up":               "[1 0] None", // the minimum is what an alarm looks at
		"balsong_delivery_time_left_seconds": "[] ", "balsong_standby_lag_seconds": "[] ", "balsong_halted": "[] ",
		"balsong_dead_letters_total": "[] ", // delivery's
	} {
		if text := fmt.Sprint(got.values[name], " ", got.units[name]); text != want {
			t.Errorf("%s is %s, want %s", name, text, want)
		}
	}
}

func TestCountersAreWrittenAsWhatWasAddedSinceTheLastLine(t *testing.T) {
	t.Parallel()
	m, out := NewMetrics(), &bytes.Buffer{}
	e := NewEMF(m, "bills", port.ServiceDelivery, out)
	for _, want := range []float64{5, 0, 2} {
		if want > 0 {
			metric.Deliveries.Add(m, int(want)-1, attempt.Succeeded, "") // the labels are added up
			metric.Deliveries.Add(m, 1, attempt.Failed, attempt.ReasonRefused)
		}
		lines := emf(t, e, out)
		if got := lines[0].values["balsong_deliveries_total"]; !slices.Equal(got, []float64{want}) {
			t.Errorf("%v deliveries are written, want %v", got, want)
		}
	}
}

func TestAProvidersNumbersHaveItsNameAndCountForTheServiceToo(t *testing.T) {
	t.Parallel()
	m, out := NewMetrics(), &bytes.Buffer{}
	metric.GatewayHeld.Set(m, 1, "sms")
	metric.GatewayHeld.Set(m, 0, "smtp")
	metric.CallsInFlight.Set(m, 7, "smtp")
	var held []string
	for _, l := range emf(t, NewEMF(m, "bills", port.ServiceDelivery, out), out) {
		if values := l.values["balsong_gateway_held"]; values != nil {
			held = append(held, fmt.Sprint(l.dimensions, values, l.values["balsong_calls_in_flight"]))
		}
	}
	if want := []string{
		"[Installation=bills, Service=delivery Installation=bills, Service=delivery, Provider=sms] [1] []",
		"[Installation=bills, Service=delivery Installation=bills, Service=delivery, Provider=smtp] [0] [7]",
	}; !slices.Equal(held, want) {
		t.Errorf("it writes %q, want %q", held, want)
	}
}

func TestWhatIsMeasuredWhenItIsReadIsInTheLine(t *testing.T) {
	t.Parallel()
	m, out := NewMetrics(), &bytes.Buffer{}
	calls := 0
	m.BeforeGather(func() { calls++; metric.Halted.Set(m, float64(calls)) })
	e := NewEMF(m, "bills", port.ServiceSettlement, out)
	for want := range 2 {
		if got := emf(t, e, out)[0].values["balsong_halted"]; !slices.Equal(got, []float64{float64(want + 1)}) {
			t.Errorf("line %d has %v", want, got)
		}
	}
	m.BeforeGather(func() { metric.Halted.Clear(m) })
	if got := emf(t, e, out); len(got) > 0 {
		t.Errorf("a gauge that was taken away leaves %v", got)
	}
}

// Each metric costs money; and the format has its limits.
func TestTheEssentialMetricsAreFewAndOfKindsThatCanBeWritten(t *testing.T) {
	t.Parallel()
	essential := 0
	for _, m := range metric.All() {
		if !m.Essential() {
			continue
		}
		essential++
		if m.Kind == port.Histogram {
			t.Errorf("%s is a histogram", m.Name)
		}
		if len(m.Services) == 0 {
			t.Errorf("nobody records %s", m.Name)
		}
	}
	if essential < 15 || essential > 35 {
		t.Errorf("%d metrics go to CloudWatch", essential)
	}
}
