package doctor

import (
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// What no component on this machine can be made to say.

func finds(p component, level Level, found, do string) bool {
	return slices.ContainsFunc(p.list, func(f Finding) bool {
		return f.Level == level && strings.Contains(f.Found, found) && strings.Contains(f.Do, do)
	})
}

func TestADatabaseElsewhereWithoutASynchronousStandbyIsAdvisedOne(t *testing.T) {
	t.Parallel()
	var elsewhere, here, safe, local component
	elsewhere.durability(postgres.Facts{SynchronousCommit: "on"}, false)
	here.durability(postgres.Facts{SynchronousCommit: "on"}, true)
	safe.durability(postgres.Facts{SynchronousCommit: "on", Standbys: "ANY 1 (a, b)"}, false)
	local.durability(postgres.Facts{SynchronousCommit: "local", Standbys: "ANY 1 (a, b)"}, false)
	if !finds(elsewhere, Advice, "no synchronous standby", "synchronous_standby_names") || len(here.list)+len(safe.list) != 0 {
		t.Errorf("elsewhere %+v, here %+v, safe %+v", elsewhere.list, here.list, safe.list)
	}
	if !finds(local, Problem, "synchronous_commit is local", "never twice") {
		t.Errorf("a standby that is not waited for: %+v", local.list)
	}
}

func TestTopicsThatMayLoseWhatWasAcknowledgedAreProblems(t *testing.T) {
	t.Parallel()
	sound := kafka.TopicFacts{Role: port.TopicRequests, Name: "t", Exists: true, Partitions: 3, Replication: 3, MinInSync: 2, Unclean: "false"}
	wanted := config.Kafka{Partitions: 3, Replication: 3, MinInSync: 2}
	for name, c := range map[string]struct {
		make      func(*kafka.TopicFacts)
		found, do string
	}{
		"unclean election":    {func(f *kafka.TopicFacts) { f.Unclean = "true" }, "unclean.leader.election.enable is true", "set it to false"},
		"min.insync too low":  {func(f *kafka.TopicFacts) { f.MinInSync = 1 }, "min.insync.replicas is 1, wanted is 2", "min.insync.replicas=2"},
		"min.insync too high": {func(f *kafka.TopicFacts) { f.MinInSync = 4 }, "nothing is ever acknowledged", "lower min.insync.replicas"},
	} {
		facts := sound
		c.make(&facts)
		var p component
		if p.topic(facts, wanted); !finds(p, Problem, c.found, c.do) || len(p.list) != 1 {
			t.Errorf("%s: %+v", name, p.list)
		}
	}
	var p component
	if p.topic(sound, wanted); len(p.list) != 1 || p.list[0].Level != OK {
		t.Errorf("a sound topic: %+v", p.list)
	}
}
