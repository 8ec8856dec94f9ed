package apachekafka_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedkafka/kafkatest"
)

// The runbook of partitions that are out of range, by Kafka's own tool: a group whose committed offset is not in the log begins at the oldest message.
func TestOffsetsAreResetByTheCommandsOfTheRunbook(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../docs/operations/alarms.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^    (kafka-consumer-groups\.sh .*)$`).FindAllStringSubmatch(string(page), -1)
	if len(commands) < 3 {
		t.Fatalf("the page has only %d commands", len(commands))
	}
	cluster := start(t, apachekafka.Options{})
	path := consumerGroups(t)
	groups := map[string]string{core.DeliveryGroup: string(port.TopicRequests), core.SettlementGroup: string(port.TopicResults)}
	for _, topic := range groups {
		kafkatest.CreateTopic(t, cluster.Addrs(), topic, 2, 1)
		kafkatest.Produce(t, cluster.Addrs(), topic)
	}
	for name, form := range map[string]string{"all partitions": "$0", "one, as the log line has it": "$1:0 "} {
		for group, topic := range groups {
			commit(t, cluster.Addrs(), group, topic, 1_000_000)
		}
		for _, command := range commands {
			run := exec.CommandContext(t.Context(), "sh", "-c", regexp.MustCompile(`(--topic \S+) `).ReplaceAllString(command[1], form))
			run.Env = append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "KAFKA="+cluster.Addrs()[0])
			if said, err := run.CombinedOutput(); err != nil || strings.Contains(string(said), "Error:") {
				t.Errorf("%s: %v:\n%s", run, err, said)
			}
		}
		for group, topic := range groups {
			if at := committed(t, cluster.Addrs(), group, topic); at != 0 {
				t.Errorf("%s: %s begins at %d of %s", name, group, at, topic)
			}
		}
	}
}

// consumerGroups is a directory with kafka-consumer-groups.sh, as Apache Kafka's distribution has it.
func consumerGroups(t *testing.T) string {
	t.Helper()
	cache, err := cachedir.Default()
	if err != nil {
		t.Fatal(err)
	}
	jars, err := apachekafka.Jars(t.Context(), cache)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\nexec java -Xshare:auto -XX:TieredStopAtLevel=1 -cp '" + jars + "/*' org.apache.kafka.tools.consumer.group.ConsumerGroupCommand \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "kafka-consumer-groups.sh"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// commit commits an offset of both partitions, whether or not the log has it.
func commit(t *testing.T, brokers []string, group, topic string, offset int64) {
	t.Helper()
	client, err := sarama.NewClient(brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	offsets, err := sarama.NewOffsetManagerFromClient(group, client)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = offsets.Close() }()
	for partition := range int32(2) {
		of, err := offsets.ManagePartition(topic, partition)
		if err != nil {
			t.Fatal(err)
		}
		of.MarkOffset(offset, "")
		of.AsyncClose()
	}
	offsets.Commit()
}

// committed is the committed offset of the first partition.
func committed(t *testing.T, brokers []string, group, topic string) int64 {
	t.Helper()
	admin, err := sarama.NewClusterAdmin(brokers, sarama.NewConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close() }()
	offsets, err := admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0}})
	if err != nil {
		t.Fatal(err)
	}
	return offsets.GetBlock(topic, 0).Offset
}
