package faulttest_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/bootstrap/devtools/repotest"
	"github.com/balsong/balsong/bootstrap/observe/observetest"
)

// scraper asks the services for /metrics again and again, as Prometheus does, but in compressed time: what is a minute to Prometheus'
// rules takes `minute` here. So an alarm "for: 30m" is raised after 30 scrapes.
type scraper struct {
	url    string
	tool   string
	rules  []byte
	minute time.Duration
	began  time.Time

	mu      sync.Mutex
	scrapes []map[string]float64 // by series; nil where nobody answered
}

// promtool returns the path of the evaluator of Prometheus' rules, and skips the test where BALSONG_TEST_PROMTOOL does not name it.
func promtool(t *testing.T) string {
	t.Helper()
	return repotest.Tool(t, "BALSONG_TEST_PROMTOOL", "make alarms")
}

// watched lets the services serve /metrics, and scrapes them until the test ends.
func (w *world) watched(t *testing.T, minute time.Duration) *scraper {
	t.Helper()
	tool := promtool(t)
	rules, err := os.ReadFile(rulesFile)
	must(t, err)
	w.config.Health.Addr = observetest.FreeAddr(t)
	s := &scraper{url: "http://" + w.config.Health.Addr + "/metrics", tool: tool, rules: rules, minute: minute, began: time.Now()}
	ended, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(ended); <-stopped })
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(minute)
		defer ticker.Stop()
		for {
			select {
			case <-ended:
				return
			case <-ticker.C:
				s.scrape(t)
			}
		}
	}()
	return s
}

var sampleLine = regexp.MustCompile(`(?m)^(balsong_[a-z0-9_]+(?:\{[^}]*\})?) (\S+)$`)

func (s *scraper) scrape(t *testing.T) {
	t.Helper()
	var scraped map[string]float64
	if status, page := observetest.Get(t, s.url); status != 0 {
		scraped = map[string]float64{}
		for _, line := range sampleLine.FindAllSubmatch(page, -1) {
			if value, err := strconv.ParseFloat(string(line[2]), 64); err == nil && !bytes.Contains(line[1], []byte("_bucket{")) {
				scraped[string(line[1])] = value
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scrapes = append(s.scrapes, scraped)
}

// series is what promtool reads: each series with its value at each minute.
func (s *scraper) series() (inputs []map[string]string, minutes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for _, scraped := range s.scrapes {
		for name := range scraped {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		values := make([]string, len(s.scrapes))
		for i, scraped := range s.scrapes {
			values[i] = "_"
			if value, is := scraped[name]; is {
				values[i] = strconv.FormatFloat(s.stretched(name, value), 'f', -1, 64)
			}
		}
		inputs = append(inputs, map[string]string{"series": name, "values": strings.Join(values, " ")})
	}
	return inputs, len(s.scrapes)
}

// stretched moves an instant to promtool's time, which begins at 0 with the first scrape, and runs faster than that of the services by as much as
// their scrapes are closer to each other. The end of a certificate is days away, and is only moved.
func (s *scraper) stretched(name string, value float64) float64 {
	if !strings.Contains(name, "_timestamp_seconds") {
		return value
	}
	since := value - float64(s.began.UnixNano())/float64(time.Second)
	if strings.HasPrefix(name, "balsong_certificate_") {
		return since
	}
	return since * float64(time.Minute) / float64(s.minute)
}

var failed = regexp.MustCompile(`alertname: (\w+), time: (\S+),`)

// raised returns the minutes at which promtool says that an alarm is raised, of those that were scraped.
func (s *scraper) raised(t *testing.T, alarm string) (minutes []int, until int) {
	t.Helper()
	inputs, until := s.series()
	var none []map[string]any
	for minute := range until {
		none = append(none, map[string]any{"eval_time": fmt.Sprintf("%dm", minute), "alertname": alarm, "exp_alerts": []any{}})
	}
	tests, err := yaml.Marshal(map[string]any{
		"rule_files": []string{"rules.yaml"}, "evaluation_interval": "1m",
		"tests": []any{map[string]any{"interval": "1m", "input_series": inputs, "alert_rule_test": none}},
	})
	must(t, err)
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "tests.yaml"), tests, 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "rules.yaml"), s.rules, 0o600))
	cmd := exec.CommandContext(t.Context(), s.tool, "test", "rules", "tests.yaml")
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	if err == nil {
		return nil, until
	}
	for _, found := range failed.FindAllSubmatch(said, -1) {
		at, err := time.ParseDuration(string(found[2]))
		if err != nil || string(found[1]) != alarm {
			t.Fatalf("%v:\n%s", err, said)
		}
		minutes = append(minutes, int(at.Minutes()))
	}
	if len(minutes) == 0 {
		t.Fatalf("promtool: %v:\n%s", err, said)
	}
	return minutes, until
}

// awaitRaised waits until each of the alarms was raised, at or after a minute.
func (s *scraper) awaitRaised(t *testing.T, w *world, since int, alarms ...string) {
	t.Helper()
	for _, alarm := range alarms {
		await(t, "the alarm "+alarm+" is raised", func() bool {
			minutes, _ := s.raised(t, alarm)
			return len(minutes) > 0 && minutes[len(minutes)-1] >= since
		}, func() string { return s.last() + w.story() })
		sees(seen.raised, alarm)
	}
}

// awaitCleared waits until none of the alarms is raised.
func (s *scraper) awaitCleared(t *testing.T, w *world, alarms ...string) {
	t.Helper()
	for _, alarm := range alarms {
		await(t, "the alarm "+alarm+" is cleared", func() bool {
			minutes, until := s.raised(t, alarm)
			return len(minutes) == 0 || minutes[len(minutes)-1] < until-1
		}, func() string { return s.last() + w.story() })
		sees(seen.cleared, alarm)
	}
}

// quiet checks that the alarms were not raised yet, once there are some scrapes, and returns the minute.
func (s *scraper) quiet(t *testing.T, w *world, alarms ...string) int {
	t.Helper()
	scraped := func() int {
		s.mu.Lock()
		defer s.mu.Unlock()
		n := 0
		for _, scraped := range s.scrapes {
			if len(scraped) > 0 {
				n++
			}
		}
		return n
	}
	await(t, "the services are scraped", func() bool { return scraped() >= 12 }, w.story)
	now := 0
	for _, alarm := range alarms {
		minutes, until := s.raised(t, alarm)
		if now = until; len(minutes) > 0 {
			t.Fatalf("the alarm %s is raised before anything is broken, at %v:\n%s", alarm, minutes, s.last())
		}
	}
	return now
}

// last is the last scrape, for a test that failed.
func (s *scraper) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, scraped := range slices.Backward(s.scrapes) {
		if scraped != nil {
			var b strings.Builder
			for _, name := range slices.Sorted(maps.Keys(scraped)) {
				fmt.Fprintf(&b, "%s %g\n", name, scraped[name])
			}
			return b.String()
		}
	}
	return "nothing was scraped\n"
}
