package gatewaysim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/waittest"
)

func scenarioOf(t *testing.T, text string) (Scenario, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadScenario(path)
}

// A step that counts messages is taken exactly behind the last of them.
func TestAScenarioChangesTheBehaviourByItsSteps(t *testing.T) {
	t.Parallel()
	s, err := scenarioOf(t, `{"settings":{"seed":7},"steps":[
		{"after_accepted":2,"settings":{"sms":{"everybody":{"code":403,"text":"{}"}}}},
		{"after":"200ms","settings":{"sms":{"everybody":{"code":0,"text":""}}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, func(c *Config) { c.Settings, c.Steps = s.Settings, s.Steps })
	for i, want := range []int{202, 202, 403} {
		if got := b.post("/sms", "k", textMessage); got.status != want {
			t.Errorf("call %d: %+v, want %d", i+1, got, want)
		}
	}
	waittest.Until(t, "the account is open again", func() bool { return b.post("/sms", "k", textMessage).status == 202 })
	if got := b.Settings(); got.Seed != 7 {
		t.Errorf("settings %+v", got)
	}
}

// A gateway waits for the time since the step before, whatever is accepted.
func TestAStepWaitsForBothOfItsConditions(t *testing.T) {
	t.Parallel()
	s, err := scenarioOf(t, `{"steps":[{"after_accepted":1,"after":"1h","settings":{"sms":{"permanent":1}}}]}`)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)
	b := setup(t, func(c *Config) { c.Steps, c.now = s.Steps, func() time.Time { return start } })
	for range 3 {
		if got := b.post("/sms", "k", textMessage); got.status != 202 {
			t.Errorf("%+v", got)
		}
	}
}

func TestAScenarioThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"step":[]}`:                          "step",
		`{"settings":{"sms":{"temporary":2}}}`: "temporary is 2",
		`{"steps":[{"after":"1s"}]}`:           "step 1",
		`{"steps":[{"settings":{"sms":{"tps":1}}},{"settings":{"smss":{}}}]}`: "step 2",
		`{`: "unexpected EOF",
	} {
		if _, err := scenarioOf(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
