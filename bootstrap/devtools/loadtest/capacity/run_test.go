package capacity_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/balsong/balsong/bootstrap/devtools/loadtest/capacity"
)

// five is a month of five million through a gateway that takes a second, in tasks that are there from the beginning.
func five() capacity.Setup {
	return capacity.Setup{
		Question: capacity.Question{
			Targets: 5_000_000, Start: 9 * 60, Within: 9 * time.Hour,
			Gateway: capacity.Gateway{Latency: capacity.Latency{P50: time.Second}, CallDeadline: 30 * time.Second},
		},
		Settings:       capacity.Settings{Partitions: 12, Tasks: 4, MinTasks: 4, InFlight: 1000, Page: 1000},
		Infrastructure: capacity.Cloud(), Calibration: capacity.PublishedCalibration(),
	}
}

func run(t interface {
	Helper()
	Fatal(args ...any)
}, s capacity.Setup, seed uint64,
) capacity.Prediction {
	t.Helper()
	p, err := capacity.Run(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s is %.1f, want %.1f", what, got, want)
	}
}

func TestCallsInFlightBoundTheRateByTheTimeTheyTake(t *testing.T) {
	t.Parallel()
	s := five()
	s.InFlight, s.Handling = 500, 0
	p := run(t, s, 0)
	near(t, "the finish", p.Finish, 5_000_000/(4*500.0), 0.01)
	if p.Bottleneck != capacity.ByInFlight || math.Abs(p.InFlight-2000) > 1 {
		t.Errorf("%s, %.0f in flight", p.Bottleneck, p.InFlight)
	}
}

func TestTheGatewaysLimitBoundsTheRate(t *testing.T) {
	t.Parallel()
	s := five()
	s.Question.Gateway.TPS = 800
	p := run(t, s, 0)
	near(t, "the finish", p.Finish, 5_000_000/800.0, 0.01)
	if p.Bottleneck != capacity.ByTPS {
		t.Error(p.Bottleneck)
	}
}

func TestATaskThatIsLeftAloneHasTheWholeLimit(t *testing.T) {
	t.Parallel()
	s := five()
	s.Question.Gateway.TPS, s.Partitions = 800, 5 // one of four tasks has two of five partitions
	near(t, "the finish", run(t, s, 0).Finish, 5_000_000/800.0, 0.01)
}

func TestPartitionsThatTasksCannotShareEvenlyHoldTheRunUp(t *testing.T) {
	t.Parallel()
	s := five()
	s.InFlight, s.Handling, s.Partitions = 200, 0, 5 // one of four tasks has two of five partitions; each makes 200 calls a second
	p := run(t, s, 0)
	near(t, "the finish", p.Finish, 5_000_000*2/5/200.0, 0.01)
	if held := p.Held[string(capacity.ByBalance)]; held < 0.3 { // three of four tasks have nothing left for the last half
		t.Error(p.Held)
	}
}

func TestTheDatabaseBoundsWhatTasksCannot(t *testing.T) {
	t.Parallel()
	s := five()
	s.Tasks, s.MinTasks, s.InFlight, s.DispatchRow, s.PageWait = 12, 12, 10_000, 1, 0
	p := run(t, s, 0)
	if p.Bottleneck != capacity.ByDatabase {
		t.Fatal(p.Held)
	}
	near(t, "the finish", p.Finish, 5_000_000*(s.Database+s.DispatchDatabase)/(2*0.8*1e6), 0.04)
}

func TestSmallPagesHoldTheDispatcherUp(t *testing.T) {
	t.Parallel()
	s := five()
	s.InFlight, s.Page = 10_000, 10
	p := run(t, s, 0)
	if p.Bottleneck != capacity.ByDispatcher {
		t.Fatal(p.Held)
	}
	near(t, "the finish", p.Finish, 5_000_000*(s.PageWait/1000/10+(s.DispatchRow+s.DispatchDatabase)/1e6), 0.02)
}

func TestNobodyIsSentToInQuietHours(t *testing.T) {
	t.Parallel()
	s := five()
	s.Quiet = []capacity.Quiet{{Share: 0.2, From: 21 * 60, To: 12 * 60}}
	p := run(t, s, 0)
	if p.Finish < 3*3600 || p.Finish > 3*3600+400 {
		t.Errorf("a fifth opens after three hours, and the end is at %.0f", p.Finish)
	}
	sent := 0.0
	for i, point := range p.Points[1:] {
		if point.Seconds <= 3*3600 {
			sent += point.Rate * (point.Seconds - p.Points[i].Seconds)
		}
	}
	near(t, "what was sent before", sent, 4_000_000, 0.02)
}

func TestRequestsWhoseQuietHoursBeginAreSentWhenTheyEnd(t *testing.T) {
	t.Parallel()
	s := five()
	s.Quiet, s.Within = []capacity.Quiet{{Share: 0.5, From: 9*60 + 5, To: 21 * 60}}, 24*time.Hour
	p := run(t, s, 0)
	if p.PutBack < 100_000 || p.Finish < 12*3600 || !p.Finished {
		t.Errorf("%.0f put back, the end at %.0f", p.PutBack, p.Finish)
	}
}

func TestADeadTaskLeavesItsCallsUnknownAndItsShareToOthers(t *testing.T) {
	t.Parallel()
	s := five()
	planned := run(t, s, 0)
	s.Fault.LoseTaskAt = planned.Finish / 2
	p := run(t, s, 0)
	called := 1000 * 1 / (1 + s.Handling/1000)
	near(t, "unknown", p.Unknown, called, 0.01)
	if p.Finish < planned.Finish+1 || p.Finish > planned.Finish*1.2 {
		t.Errorf("it ends at %.0f, without the loss at %.0f", p.Finish, planned.Finish)
	}
}

func TestAGatewayThatSlowsDownPastTheCallDeadlineLeavesOutcomesUnknown(t *testing.T) {
	t.Parallel()
	s := five()
	s.Question.Gateway.Latency.P99 = 5 * time.Second
	if p := run(t, s, 0); p.Unknown > 0.002*5e6 {
		t.Errorf("%.0f are unknown though the gateway is as fast as ever", p.Unknown)
	}
	s.Fault = capacity.Fault{SlowAt: 60, SlowBy: 10}
	if p := run(t, s, 0); p.Unknown < 0.02*5e6 || p.Bottleneck != capacity.ByInFlight {
		t.Errorf("%.0f are unknown, held up by %s", p.Unknown, p.Bottleneck)
	}
}

func TestTasksAreStartedForTheBacklog(t *testing.T) {
	t.Parallel()
	s := five()
	planned := run(t, s, 0)
	s.MinTasks, s.BacklogPerTask = 0, 50_000
	p := run(t, s, 0)
	most := 0
	for _, point := range p.Points {
		most = max(most, point.Tasks)
	}
	if late := p.Finish - planned.Finish; late < 60 || late > 300 || most != 4 {
		t.Errorf("with %d tasks at most it ends %.0f s later than with all from the beginning", most, late)
	}
}

// anything draws a setup that makes sense.
func anything(t *rapid.T) capacity.Setup {
	s := five()
	s.Targets = rapid.IntRange(1, 2_000_000).Draw(t, "targets")
	s.Partitions = rapid.IntRange(1, 48).Draw(t, "partitions")
	s.Tasks = rapid.IntRange(1, s.Partitions).Draw(t, "tasks")
	s.MinTasks = s.Tasks
	s.InFlight = rapid.IntRange(1, 10_000).Draw(t, "in flight")
	s.Page = rapid.IntRange(1, 1000).Draw(t, "page")
	s.Question.Gateway.TPS = rapid.SampledFrom([]float64{0, 1, 50, 700, 20_000}).Draw(t, "tps")
	s.Question.Gateway.Latency.P50 = time.Duration(rapid.IntRange(1, 5000).Draw(t, "p50 in ms")) * time.Millisecond
	if ratio := rapid.IntRange(0, 8).Draw(t, "p99 by p50"); ratio > 1 {
		s.Question.Gateway.Latency.P99 = time.Duration(ratio) * s.Question.Gateway.Latency.P50
	}
	if rapid.Bool().Draw(t, "quiet") {
		from := rapid.IntRange(0, capacity.Day-1).Draw(t, "from")
		s.Quiet = []capacity.Quiet{{Share: rapid.Float64Range(0.01, 1).Draw(t, "share"), From: from, To: (from + rapid.IntRange(1, capacity.Day-1).Draw(t, "long")) % capacity.Day}}
	}
	return s
}

func TestWhateverIsAskedEveryTargetArrivesOnceAndNeverFasterThanItCan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anything(t)
		seed := rapid.Uint64Range(0, 50).Draw(t, "seed")
		p := run(t, s, seed)
		if !p.Finished {
			return // a run of more than ten days
		}
		n, arrived, before := float64(s.Targets), 0.0, 0.0
		for _, point := range p.Points {
			arrived += point.Rate * max(point.Seconds-before, 0)
			before = max(point.Seconds, before)
			if point.Lag < -1 || point.Waiting < -1 || point.InFlight > float64(s.Tasks*s.InFlight)+1 {
				t.Fatalf("%+v", point)
			}
		}
		if math.Abs(arrived-n) > 0.01*n+2 {
			t.Fatalf("%.1f of %.0f arrived", arrived, n)
		}
		if tps := s.Question.Gateway.TPS; tps > 0 && p.Finish < 0.95*(n-1)/tps {
			t.Fatalf("%.0f through %v a second in %.1f s", n, tps, p.Finish)
		}
		if least := (n/float64(s.Tasks*s.InFlight) - 1) * s.Question.Gateway.Latency.P50.Seconds() * 0.7; p.Finish < least {
			t.Fatalf("the end is at %.1f, the places allow %.1f", p.Finish, least)
		}
		if again := run(t, s, seed); !reflect.DeepEqual(p, again) {
			t.Fatal("the same seed gives another answer")
		}
	})
}

func TestMoreOfAnythingNeverMakesTheEndLater(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anything(t)
		s.Quiet = nil
		before := run(t, s, 0)
		more := s
		switch rapid.SampledFrom([]string{"in flight", "page", "tps", "database"}).Draw(t, "more") {
		case "in flight":
			more.InFlight *= 2
		case "page":
			more.Page = min(1000, 2*s.Page)
		case "tps":
			more.Question.Gateway.TPS *= 2
		case "database":
			more.DatabaseCores *= 2
		}
		after := run(t, more, 0)
		slack := 0.05*before.Finish + more.Question.Gateway.Latency.Quantile(0.999) // fewer calls at the end have a shorter longest answer
		if before.Finished && after.Finish > before.Finish+slack {
			t.Fatalf("the end goes from %.1f to %.1f", before.Finish, after.Finish)
		}
	})
}

func TestWhatCannotBeIsRefusedWithItsField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*capacity.Setup){
		"targets":        func(s *capacity.Setup) { s.Targets = 0 },
		"tps":            func(s *capacity.Setup) { s.Question.Gateway.TPS = math.NaN() },
		"by":             func(s *capacity.Setup) { s.Within = -time.Hour },
		"start":          func(s *capacity.Setup) { s.Start = capacity.Day },
		"latency":        func(s *capacity.Setup) { s.Question.Gateway.Latency.P50 = time.Minute },
		"quiet":          func(s *capacity.Setup) { s.Quiet = []capacity.Quiet{{Share: 0.8, To: 1}, {Share: 0.8, To: 1}} },
		"partitions":     func(s *capacity.Setup) { s.Partitions = 0 },
		"tasks":          func(s *capacity.Setup) { s.Tasks = 13 },
		"in flight":      func(s *capacity.Setup) { s.InFlight = -1 },
		"page":           func(s *capacity.Setup) { s.Page = 1001 },
		"calibration":    func(s *capacity.Setup) { s.Delivery = math.Inf(1) },
		"infrastructure": func(s *capacity.Setup) { s.TaskCores = 0 },
	} {
		s := five()
		change(&s)
		if _, err := capacity.Run(s, 0); !errors.Is(err, capacity.ErrImpossible) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestLatenciesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	l, err := capacity.ParseLatency("p50=800ms,p99=3s")
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the 99th percentile", l.Quantile(0.99), 3, 0.001)
	near(t, "the median", l.Quantile(0.5), 0.8, 0.001)
	for _, wrong := range []string{"", "fast", "p50=1s", "p50=2s,p99=1s", "p50=1s,p98=2s", "-1s", "1h"} {
		if _, err := capacity.ParseLatency(wrong); err == nil {
			t.Errorf("%q was taken", wrong)
		}
	}
}
