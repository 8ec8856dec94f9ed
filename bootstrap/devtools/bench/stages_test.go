package bench

import (
	"bytes"
	"strings"
	"testing"
)

func TestAStageIsItsMedianBesideEachRunsOwnBaseline(t *testing.T) {
	t.Parallel()
	s := Stage{Name: "render", Baseline: "the same by hand", Rows: 1000, Target: Target{Rate: 400, Share: 0.6, PeakRSS: 100_000_000}, Runs: []StageRun{
		{Rows: 1000, Seconds: 2, BaselineSeconds: 1, CPU: map[string]float64{"render": 0.050, "postgres": 0.020}, PeakRSS: 90_000_000},
		{Rows: 1000, Seconds: 4, BaselineSeconds: 3, CPU: map[string]float64{"render": 0.070}, PeakRSS: 80_000_000},
		{Rows: 1000, Seconds: 1, BaselineSeconds: 0.4, CPU: map[string]float64{"render": 0.060, "postgres": 0.010}},
	}}
	s.summarize()
	if s.Rate != (Spread{500, 250, 1000}) || s.Share.Median != 0.5 || s.Share.Max != 0.75 || s.BaselineRate.Median != 1000 {
		t.Errorf("%+v, %+v, %+v", s.Rate, s.Share, s.BaselineRate)
	}
	if s.MicrosPerRow["render"] != 60 || s.MicrosPerRow["postgres"] != 10 || s.PeakRSS != 90_000_000 {
		t.Errorf("%+v, %d", s.MicrosPerRow, s.PeakRSS)
	}
	if s.verdict() != "MISSED: share" {
		t.Error(s.verdict())
	}
	var out bytes.Buffer
	(&Report{Stages: []*Stage{&s}}).Print(&out)
	for _, want := range []string{"500 (250–1000)", "50% (40–75)", "≥ 400/s, ≥ 60%, < 100 MB", "MISSED: share", "render 60.0, postgres 10.0"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	s.Runs = nil
	if s.summarize(); s.Rate != (Spread{}) || s.PeakRSS != 0 {
		t.Errorf("without runs: %+v", s)
	}
}
