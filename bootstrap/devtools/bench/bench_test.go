package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func TestRatesComeFromCountersAndTheirTimes(t *testing.T) {
	t.Parallel()
	began := time.Now()
	at := func(seconds float64, settled, accepted, transactions float64, cpu float64) sample {
		return sample{
			at: began.Add(time.Duration(seconds * float64(time.Second))), settled: settled, accepted: accepted, delivered: accepted,
			inFlight: 100, s3Requests: accepted / 50, s3Bytes: accepted * 800, lookups: accepted, misses: accepted / 10, transactions: transactions,
			usages: map[string]usage{"delivery": {User: 3 * cpu, System: cpu, PeakRSS: 7}},
		}
	}
	f := DeliveryMeasurement{StatementBytes: 1000}
	f.summarize([]sample{at(0, 100, 200, 0, 10), at(1, 1100, 1200, 10, 10), at(3, 4100, 5200, 40, 11)}, 4000)
	if f.Seconds != 3 || f.SettledRate.Mean != 4000.0/3 || f.SettledRate.Min != 1000 || f.SettledRate.Max != 1500 || f.Delivered.Max != 2000 {
		t.Errorf("%+v", f)
	}
	if f.SettledByRows != 4000.0/3 || f.S3PerMillion != 20_000 || f.S3BytesPerByte != 0.8 || f.BlockHits != 0.9 || f.Transactions != 10 {
		t.Errorf("%+v", f)
	}
	if p := f.Processes[0]; p.Process != "delivery" || p.CPU != 4 || p.PerMillion != 1000 || p.System != 0.25 || p.Share != 1 {
		t.Errorf("%+v", p)
	}
}

func TestAClaimNeedsThePerformanceTargetsSizes(t *testing.T) {
	t.Parallel()
	small := Report{Dispatch: &DispatchMeasurement{Rows: 20_000, Seconds: 1}, Delivery: &DeliveryMeasurement{Seconds: 8, SettledByRows: 9000}}
	if small.claim(); len(small.Claims) != 0 {
		t.Errorf("a short run claims %+v", small.Claims)
	}
	whole := Report{
		Dispatch: &DispatchMeasurement{Rows: 200_000, Seconds: 18, PeakRSS: 101_000_000},
		Delivery: &DeliveryMeasurement{Seconds: 60.2, SettledByRows: 4999},
	}
	whole.claim()
	for i, want := range []bool{true, false, false} {
		if whole.Claims[i].Holds != want {
			t.Errorf("%+v", whole.Claims[i])
		}
	}
}

func TestAReportReadsTheSameInJSON(t *testing.T) {
	t.Parallel()
	r := Report{Kafka: "kfake", Notes: []string{"a note"}, Dispatch: &DispatchMeasurement{Rows: 100_000, Runs: []DispatchRun{{Seconds: 4, BaselineSeconds: 3, PeakRSS: 5e7}, {Seconds: 6, BaselineSeconds: 3}}}}
	r.Dispatch.summarize()
	var text, machine bytes.Buffer
	r.Print(&text)
	if err := r.WriteJSON(&machine); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(machine.Bytes(), &back); err != nil || back.Dispatch.Seconds != 5 || back.Dispatch.Share != 0.625 || len(back.Claims) != 2 {
		t.Errorf("%v: %s", err, machine.String())
	}
	for _, want := range []string{"NOTE: a note", "20000", "62%", "holds", "50.0"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestMetricsAreAddedUpByNameAndLabel(t *testing.T) {
	t.Parallel()
	m := metrics{
		`balsong_deliveries_total{outcome="SUCCEEDED",reason=""} 3e+03`, `balsong_deliveries_total{outcome="FAILED",reason="x"} 5`,
		`balsong_deliveries_total_other 7`, `balsong_targets_settled_total 11`,
	}
	if got := m.sum("balsong_deliveries_total", ""); got != 3005 {
		t.Errorf("all: %v", got)
	}
	if got := m.sum("balsong_deliveries_total", `outcome="SUCCEEDED"`); got != 3000 {
		t.Errorf("one label: %v", got)
	}
	if got := m.sum("balsong_targets_settled_total", ""); got != 11 {
		t.Errorf("without labels: %v", got)
	}
}

func TestTheKernelTellsWhatAProcessUsed(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system has no /proc")
	}
	own := usageOf(os.Getpid())
	if own.PeakRSS < 1<<20 || own.PeakRSS > 1<<33 {
		t.Errorf("the peak is %d bytes", own.PeakRSS)
	}
	if stat, ok := readStat(os.Getpid()); !ok || stat.parent != os.Getppid() {
		t.Errorf("%+v", stat)
	}
	if all := usages(); all["bench"].PeakRSS < 1<<20 {
		t.Errorf("%+v", all)
	}
}

func TestWhatCannotWorkIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"what":  {What: "everything"},
		"rows":  {What: Dispatch, Rows: 10},
		"bytes": {What: Delivery, StatementBytes: 1 << 20},
		"batch": {What: Delivery, Batch: 2000},
		"disk":  {What: Delivery, Statements: 1 << 50},
	} {
		o.DataDir, o.Out = t.TempDir(), &bytes.Buffer{}
		if _, err := Run(context.Background(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
