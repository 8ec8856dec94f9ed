package kafka_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

// nowhere is the least that a cluster needs.
func nowhere() kafka.Cluster { return kafka.Cluster{Brokers: []string{"127.0.0.1:1"}} }

func TestTheDefaultsAreValid(t *testing.T) {
	t.Parallel()
	if _, err := kafka.NewConsumer(nowhere(), kafka.Group{Name: "g"}, port.TopicRequests, &memory.Log{}, &memory.Metrics{}); err != nil {
		t.Errorf("a consumer: %v", err)
	}
	if _, err := kafka.NewTopics(nowhere(), kafka.TopicSettings{}); err != nil {
		t.Errorf("topics: %v", err)
	}
}

func TestAnInvalidClusterIsRefusedByTheNameOfItsField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*kafka.Cluster){
		"Brokers":          func(c *kafka.Cluster) { c.Brokers = nil },
		"SASL.User":        func(c *kafka.Cluster) { c.SASL.Password = "p" },
		"SASL.Mechanism":   func(c *kafka.Cluster) { c.SASL.Mechanism = "GSSAPI" },
		"SASL.Password":    func(c *kafka.Cluster) { c.SASL.User = "u" },
		"Timeouts: Dial":   func(c *kafka.Cluster) { c.Timeouts.Dial = -1 },
		"Request -1ns":     func(c *kafka.Cluster) { c.Timeouts.Request = -1 },
		"Timeouts: Dial 5": func(c *kafka.Cluster) { c.Timeouts.Close = -1 },
	} {
		c := nowhere()
		change(&c)
		if _, err := kafka.NewPublisher(c, &memory.Log{}, &memory.Metrics{}); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want port.ErrInvalid and the field", field, err)
		}
	}
}

func TestAnInvalidGroupIsRefusedByTheNameOfItsField(t *testing.T) {
	t.Parallel()
	for field, group := range map[string]kafka.Group{
		"Group.Name":              {},
		"Group.HeartbeatInterval": {Name: "g", HeartbeatInterval: time.Millisecond},
		"Group.SessionTimeout":    {Name: "g", SessionTimeout: 2 * time.Second},
		"Group.RebalanceTimeout":  {Name: "g", RebalanceTimeout: 5 * time.Second},
		"Group.CommitInterval":    {Name: "g", CommitInterval: -1},
	} {
		_, err := kafka.NewConsumer(nowhere(), group, port.TopicRequests, &memory.Log{}, &memory.Metrics{})
		if !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want port.ErrInvalid and the field", field, err)
		}
	}
}

func TestInvalidTopicSettingsAreRefusedByTheNameOfTheirField(t *testing.T) {
	t.Parallel()
	for field, settings := range map[string]kafka.TopicSettings{
		"TopicSettings.Partitions":  {Partitions: -1},
		"TopicSettings.MinInSync":   {Replication: 1, MinInSync: 2},
		"TopicSettings.Replication": {Replication: -1, MinInSync: 1},
	} {
		if _, err := kafka.NewTopics(nowhere(), settings); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v, want port.ErrInvalid and the field", field, err)
		}
	}
}
