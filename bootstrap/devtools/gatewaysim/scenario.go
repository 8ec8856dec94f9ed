package gatewaysim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// Scenario is a gateway's behaviour at its start, and how it changes.
type Scenario struct {
	Settings Settings `json:"settings"`
	Steps    []Step   `json:"steps"`
}

// Step is a change of the behaviour. It is taken once, after the step before, and when both of its conditions hold.
type Step struct {
	// AfterAccepted is how many messages were accepted since the start.
	AfterAccepted uint64 `json:"after_accepted"`
	// After is the time since the step before, or the start.
	After behaviour.Duration `json:"after"`
	// Settings are what changes, as PUT /settings takes it.
	Settings json.RawMessage `json:"settings"`
}

// ReadScenario reads a file: a Scenario as JSON. Each step is tried beforehand.
func ReadScenario(path string) (Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Scenario{}, fmt.Errorf("read the scenario: %w", err)
	}
	var raw struct {
		Settings json.RawMessage `json:"settings"`
		Steps    []Step          `json:"steps"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&raw); err != nil {
		return Scenario{}, fmt.Errorf("%s: read the scenario: %w", path, err)
	}
	var s Scenario
	if len(raw.Settings) > 0 {
		if s.Settings, err = mergeSettings(Settings{}, bytes.NewReader(raw.Settings)); err != nil {
			return Scenario{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	s.Steps = raw.Steps
	if err := s.validate(); err != nil {
		return Scenario{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s Scenario) validate() error {
	settings := s.Settings.WithDefaults()
	if err := settings.Validate(); err != nil {
		return err
	}
	for i, step := range s.Steps {
		if step.After < 0 || len(step.Settings) == 0 {
			return fmt.Errorf("step %d: %w", i+1, errors.New("after is negative, or there are no settings"))
		}
		var err error
		if settings, err = mergeSettings(settings, bytes.NewReader(step.Settings)); err == nil {
			settings = settings.WithDefaults()
			err = settings.Validate()
		}
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

// scenario is one under way.
type scenario struct {
	mu       sync.Mutex
	left     []Step
	taken    int
	accepted uint64
	since    time.Time // the step before
}

// stepEvery is how often steps that wait for a time are looked at.
const stepEvery = 50 * time.Millisecond

// play takes the steps that wait for a time, until the server stops or none is left.
func (s *Server) play() {
	ticker := time.NewTicker(stepEvery)
	defer ticker.Stop()
	for s.advance(0) {
		select {
		case <-ticker.C:
		case <-s.stopping:
			return
		}
	}
}

// advance counts accepted messages and takes the steps that are due. It tells whether some are left.
func (s *Server) advance(accepted uint64) bool {
	c := &s.scenario
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.accepted += accepted; len(c.left) > 0; {
		step, now := c.left[0], s.config.now()
		if c.accepted < step.AfterAccepted || now.Before(c.since.Add(time.Duration(step.After))) {
			return true
		}
		c.left, c.since = c.left[1:], now
		c.taken++
		settings, err := mergeSettings(s.Settings(), bytes.NewReader(step.Settings))
		if err == nil {
			err = s.SetSettings(settings)
		}
		s.config.Log.Info("gateway_scenario_step", zap.Int("step", c.taken), zap.Uint64("accepted", c.accepted), zap.Error(err))
	}
	return false
}
