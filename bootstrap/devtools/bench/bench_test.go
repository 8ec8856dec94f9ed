package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/metric"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func TestMain(m *testing.M) {
	child.Main()
	os.Exit(m.Run())
}

func TestRatesComeFromCountersAndTheirTimes(t *testing.T) {
	t.Parallel()
	began := time.Now()
	at := func(seconds float64, settled, accepted int, transactions float64) sample {
		return sample{
			at: began.Add(time.Duration(seconds * float64(time.Second))), transactions: transactions,
			gateway: gatewaysim.Stats{Counts: gatewaysim.Counts{Accepted: uint64(accepted)}, InFlight: 100},
			delivery: metrics{
				fmt.Sprintf(`%s{outcome="SUCCEEDED"} %d`, metric.Deliveries.Name, accepted), fmt.Sprintf(`%s{kind="get"} %d`, metric.S3Requests.Name, accepted/50),
				fmt.Sprintf(`%s{direction="read"} %d`, metric.S3TransferredBytes.Name, 800*accepted),
				fmt.Sprintf(`%s{outcome="hit"} %d`, metric.S3BlockLookups.Name, accepted*9/10), fmt.Sprintf(`%s{outcome="miss"} %d`, metric.S3BlockLookups.Name, accepted/10),
			},
			settlement: metrics{fmt.Sprintf(`%s %d`, metric.TargetsSettled.Name, settled)},
		}
	}
	got := strings.Join(details([]sample{at(0, 100, 200, 0), at(1, 1100, 1200, 10), at(3, 4100, 5200, 40)}, StageRun{Rows: 4000}, 1000), "\n")
	for _, want := range []string{
		"accepted by the gateway 1500 (1000–2000) in a second", "settled 1250 (1000–1500)", "in flight 100 (100–100)", "10.0 transactions", "20000 requests",
		"0.80 bytes read", "90.0% of lookups",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestSmallSizesClaimNothing(t *testing.T) {
	t.Parallel()
	slow := &Stage{Name: Delivery, Target: Target{Floor: 5000, Rate: 9000}, Runs: []StageRun{{Rows: 4999, Seconds: 1}}}
	slow.summarize()
	for want, report := range map[string]Report{
		"":                             {Quick: true, Stages: []*Stage{slow}},
		"MISSED: rate, EVEN THE LEAST": {Stages: []*Stage{slow}},
	} {
		if rows := report.rows(); rows[1][len(rows[1])-1] != want {
			t.Errorf("%q is claimed, want %q", rows[1][len(rows[1])-1], want)
		}
	}
}

func TestAReportReadsTheSameInJSON(t *testing.T) {
	t.Parallel()
	s := &Stage{
		Name: Dispatch, Baseline: "the same by hand", Rows: 100_000, Target: Target{Floor: 10_000, PeakRSS: 1e8}, Details: []string{"a detail"},
		Runs: []StageRun{{Rows: 100_000, Seconds: 4, BaselineSeconds: 3, PeakRSS: 5e7}, {Rows: 100_000, Seconds: 6, BaselineSeconds: 3}},
	}
	s.summarize()
	r := Report{Kafka: "kfake", Notes: []string{"a note"}, Stages: []*Stage{s}}
	var text, machine bytes.Buffer
	r.Print(&text)
	if err := r.WriteJSON(&machine); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(machine.Bytes(), &back); err != nil || back.Stages[0].Rate.Min != 100_000.0/6 || back.Stages[0].Share.Median != 0.625 {
		t.Errorf("%v: %s", err, machine.String())
	}
	for _, want := range []string{"**a note**", "16667", "62%", "reached", "50.0", "a detail"} {
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
}

func TestNoConfigurationOfTheCallersReachesAMeasuredProcess(t *testing.T) {
	t.Parallel()
	of := []string{"PATH=/bin", "DATABASE_URL=postgres://elsewhere", "DATABASE_URL_FILE=/secret", "BALSONG_KEYSET_FILE=/keys", "BALSONG_S3_BUCKET=bills", "GOGC=50"}
	want := []string{"DATABASE_URL", "DATABASE_URL_FILE", "BALSONG_KEYSET_FILE", "BALSONG_S3_BUCKET"}
	if got := foreign(of); !slices.Equal(got, want) {
		t.Errorf("%v is taken away, want %v", got, want)
	}
}

func TestWhatCannotWorkIsRefusedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"what":  {What: "everything"},
		"rows":  {What: Dispatch, Rows: 10},
		"bytes": {What: Delivery, StatementBytes: 1 << 20},
		"sizes": {What: Growth, Sizes: []int{10}},
		"set":   {What: Line, Set: map[string]string{"BALSONG_DELIVERY_LINGER": "25ms", "BALSONG_DELIVERY_LINGR": "25ms"}},
		"disk":  {What: Delivery, Statements: 1 << 50},
	} {
		o.DataDir, o.Out = t.TempDir(), &bytes.Buffer{}
		if _, err := Run(context.Background(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
