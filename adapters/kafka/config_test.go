package kafka_test

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/port"
)

func TestTheDefaultsAreValid(t *testing.T) {
	t.Parallel()
	if err := (kafka.Config{Brokers: []string{"127.0.0.1:1"}}).WithDefaults().Validate(); err != nil {
		t.Errorf("defaults: %v", err)
	}
}

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*kafka.Config){
		"no brokers":                    func(c *kafka.Config) { c.Brokers = nil },
		"password without user":         func(c *kafka.Config) { c.Password = "p" },
		"user without password":         func(c *kafka.Config) { c.User = "u" },
		"roots without TLS":             func(c *kafka.Config) { c.RootCAs = x509.NewCertPool() },
		"negative commit interval":      func(c *kafka.Config) { c.CommitInterval = -1 },
		"no time for heartbeats":        func(c *kafka.Config) { c.SessionTimeout = 2 * time.Second },
		"rebalance before session":      func(c *kafka.Config) { c.RebalanceTimeout = 5 * time.Second },
		"messages of nothing":           func(c *kafka.Config) { c.MaxMessageBytes = 1 },
		"fetches larger than a machine": func(c *kafka.Config) { c.FetchBytes = 1 << 30 },
	} {
		c := kafka.Config{Brokers: []string{"127.0.0.1:1"}, HeartbeatInterval: time.Second}
		change(&c)
		if _, err := kafka.NewPublisher(c); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%s: %v, want port.ErrInvalid", name, err)
		}
	}
}
