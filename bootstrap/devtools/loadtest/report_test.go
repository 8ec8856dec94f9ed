package loadtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
	"github.com/balsong/balsong/bootstrap/devtools/prices"
)

// answered is a report with a measured part, from a machine that keeps to the model.
func answered(t *testing.T, change func(*Options)) *Report {
	t.Helper()
	o := asked()
	measure := o.Measure
	o.Measure = nil
	change(&o)
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.Measure = measure
	r.Measured = &Measured{Targets: measure.Targets, Runs: measure.Runs, Kafka: "apache"}
	if err := r.Measured.compare(t.Context(), machine(t, 1.7, func(int) capacity.Calibration { return costly() }), o); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheReportIsOneFileWithPicturesAndNeedsNoOther(t *testing.T) {
	t.Parallel()
	r := answered(t, func(o *Options) {
		o.Question.Quiet = []capacity.Quiet{{Share: 0.2, From: 21 * 60, To: 10 * 60}}
		o.Question.Gateway.TPS = 900
	})
	var page bytes.Buffer
	if err := r.WriteHTML(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"<h1>" + r.Summary, "BALSONG_DELIVERY_IN_FLIGHT", "BALSONG_SMS_RATE", "20% of the customers", "Together", "ten times as many", "Is the model right?", `name="viewport"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(text, "<svg"); n != 5 {
		t.Errorf("%d pictures", n)
	}
	for _, wrong := range []string{"NaN", "Inf", "ZgotmplZ", "<script", "src=", "href=", "url("} {
		if strings.Contains(text, wrong) {
			t.Errorf("it contains %q", wrong)
		}
	}
}

func TestTheFirstSentenceSaysWhetherItArrivesInTime(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"will all have arrived by 09:": func(*Options) {},
		"will NOT all arrive by 10:00": func(o *Options) { o.Question.Within, o.Question.Gateway.TPS = time.Hour, 500 },
		"not in the adverse case (a task dies, work costs more): then not by 10:02": func(o *Options) { o.Question.Within, o.Question.Gateway.TPS = 62*time.Minute+20*time.Second, 1400 },
		"would not arrive within ten days":                                          func(o *Options) { o.Question.Gateway.TPS = 1 },
		"2 days after (between ":                                                    func(o *Options) { o.Question.Gateway.TPS = 27.8 },
	} {
		o := asked()
		o.Measure = nil
		change(&o)
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(r.Summary, want) {
			t.Errorf("no %q in %q", want, r.Summary)
		}
		var text bytes.Buffer
		if r.Print(&text); !strings.Contains(text.String(), "Its neighbours") {
			t.Error(text.String())
		}
	}
}

func TestTheReportReadsTheSameInJSON(t *testing.T) {
	t.Parallel()
	r := answered(t, func(*Options) {})
	content, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(content, &back); err != nil {
		t.Fatal(err)
	}
	if back.Summary != r.Summary || back.Recommended.Settings != r.Recommended.Settings || len(back.Swept) != 12 || len(back.Measured.Pairs) != 3 || back.Measured.Pairs[0].Median == 0 {
		t.Errorf("%+v", back)
	}
}

func TestFilesAreReadOrRefusedWithFieldAndReason(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const header = "item,price,read,unit,source\n"
	read, err := ReadPrices(write("prices.csv", string(prices.List())))
	if err != nil || read.Brokers != 3 {
		t.Errorf("%+v: %v", read, err)
	}
	costs, err := ReadCosts(write("costs.json", `{"delivery_us": 111}`))
	if err != nil || costs.Delivery != 111 || costs.Database != capacity.PublishedCalibration().Database {
		t.Errorf("%+v: %v", costs, err)
	}
	latency, err := ReadLatency("file:" + write("answers", "# measured\n"+strings.Repeat("800ms\n1s\n1200ms\n", 10)))
	if err != nil || latency.Quantile(0.5) != 1 {
		t.Errorf("%v: %v", latency, err)
	}
	for want, read := range map[string]func() error{
		`data out: "-1"`:       func() error { _, err := ReadPrices(write("a", header+"data out,-1,,,\n")); return err },
		"there twice":          func() error { _, err := ReadPrices(write("f", header+"data out,1,,,\ndata out,2,,,\n")); return err },
		"first line":           func() error { _, err := ReadPrices(write("b", "price\n1\n")); return err },
		`no row "storage get"`: func() error { _, err := ReadPrices(write("g", header+"data out,1,,,\n")); return err },
		"delivery_us":          func() error { _, err := ReadCosts(write("c", `{"delivery_us": 1e12}`)); return err },
		"no such file":         func() error { _, err := ReadCosts(filepath.Join(dir, "nowhere")); return err },
		"line 2":               func() error { _, err := ReadLatency("file:" + write("d", "1s\nfast\n")); return err },
		"too few":              func() error { _, err := ReadLatency("file:" + write("e", "1s\n")); return err },
	} {
		if err := read(); !errors.Is(err, capacity.ErrImpossible) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
