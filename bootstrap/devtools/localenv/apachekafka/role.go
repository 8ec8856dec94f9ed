package apachekafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

const (
	// shutdownGrace bounds a controlled shutdown; then follows SIGKILL.
	shutdownGrace = 20 * time.Second
	probeInterval = 50 * time.Millisecond
)

var role = child.Register("apache-kafka", serve)

// spec is what the parent tells the child of one broker.
type spec struct {
	CacheDir   string            `json:"cache_dir"`
	Dir        string            `json:"dir"`
	ClusterID  string            `json:"cluster_id"`
	Node       int               `json:"node"`
	Port       int               `json:"port"`
	Controller int               `json:"controller"`
	Voters     string            `json:"voters"`
	Brokers    int               `json:"brokers"`
	HeapMiB    int               `json:"heap_mib"`
	Temporary  bool              `json:"temporary"`
	Settings   map[string]string `json:"settings"`
	Java       []string          `json:"java"`
}

// info is what the child answers when the broker accepts connections.
type info struct {
	PID int `json:"pid"`
}

// serve is the child: it runs one broker until the parent ends.
func serve(ctx context.Context, link *child.Link) (err error) {
	var s spec
	ctx, err = link.Spec(ctx, &s)
	if err != nil {
		return err
	}
	defer func() {
		if s.Temporary && ctx.Err() != nil && link.Abandoned() {
			err = errors.Join(err, os.RemoveAll(s.Dir))
			// The last broker of the cluster to get here finds the rest empty.
			_ = os.Remove(filepath.Join(filepath.Dir(s.Dir), clusterIDFile))
			_ = os.Remove(filepath.Dir(s.Dir))
		}
	}()
	java, err := javaProgram()
	if err != nil {
		return err
	}
	jars, err := install(ctx, s.CacheDir)
	if err != nil {
		return err
	}
	lock, err := child.LockData(ctx, s.Dir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Close() }()
	if err := s.format(ctx, java, jars); err != nil {
		return err
	}
	broker, err := s.run(java, jars)
	if err != nil {
		return err
	}
	if err := s.waitAccepting(ctx, broker); err != nil {
		return errors.Join(err, s.stop(broker))
	}
	return link.Supervise(ctx, broker, info{PID: broker.PID()}, func() error { return s.stop(broker) })
}

func (s spec) configFile() string { return filepath.Join(s.Dir, "server.properties") }

func (s spec) logFile() string { return filepath.Join(s.Dir, "kafka.log") }

// format writes the configuration and, the first time, the storage.
func (s spec) format(ctx context.Context, java, jars string) error {
	if err := os.WriteFile(s.configFile(), []byte(s.properties()), 0o644); err != nil {
		return fmt.Errorf("configure the broker: %w", err)
	}
	data := filepath.Join(s.Dir, "data")
	if _, err := os.Stat(filepath.Join(data, "meta.properties")); err == nil {
		return nil
	}
	err := runToEnd(ctx, s.Dir, java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(jars, "*"),
		"kafka.tools.StorageTool", "format", "-t", s.ClusterID, "-c", s.configFile())
	if err != nil {
		return fmt.Errorf("format the broker's storage: %w", err)
	}
	return nil
}

func (s spec) properties() string {
	replicas := min(s.Brokers, 3)
	settings := map[string]string{
		"process.roles":                            "broker,controller",
		"node.id":                                  strconv.Itoa(s.Node),
		"controller.quorum.voters":                 s.Voters,
		"controller.listener.names":                "CONTROLLER",
		"listeners":                                fmt.Sprintf("PLAINTEXT://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", s.Port, s.Controller),
		"advertised.listeners":                     fmt.Sprintf("PLAINTEXT://127.0.0.1:%d", s.Port),
		"listener.security.protocol.map":           "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                                 filepath.Join(s.Dir, "data"),
		"auto.create.topics.enable":                "false",
		"default.replication.factor":               strconv.Itoa(replicas),
		"offsets.topic.replication.factor":         strconv.Itoa(replicas),
		"offsets.topic.num.partitions":             "8", // 50 by default: a file or three each
		"transaction.state.log.replication.factor": strconv.Itoa(replicas),
		"transaction.state.log.min.isr":            strconv.Itoa(max(1, replicas-1)),
		"transaction.state.log.num.partitions":     "8",
		"group.initial.rebalance.delay.ms":         "0",
		"broker.session.timeout.ms":                "4000", // 9 s by default: how long a killed broker is awaited
		"broker.heartbeat.interval.ms":             "1000",
		"log.cleaner.dedupe.buffer.size":           "16777216", // 128 MiB by default: most of the heap
	}
	maps.Copy(settings, s.Settings)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s=%s\n", name, settings[name])
	}
	return b.String()
}

func (s spec) run(java, jars string) (*child.Command, error) {
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the broker's log: %w", err)
	}
	defer func() { _ = log.Close() }()
	arguments := slices.Concat([]string{
		fmt.Sprintf("-Xmx%dm", s.HeapMiB),
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:+ExitOnOutOfMemoryError",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
	}, s.Java, []string{"-cp", filepath.Join(jars, "*"), "kafka.Kafka", s.configFile()})
	cmd := exec.Command(java, arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	broker, err := child.Spawn(cmd, syscall.SIGKILL)
	if err != nil {
		return nil, fmt.Errorf("run the broker: %w", err)
	}
	return broker, nil
}

func (s spec) waitAccepting(ctx context.Context, broker *child.Command) error {
	dialer := net.Dialer{}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))
	err := broker.Await(ctx, probeInterval, func() bool {
		connection, err := dialer.DialContext(ctx, "tcp", address)
		return err == nil && connection.Close() == nil
	})
	if err != nil {
		return fmt.Errorf("start the broker: %w\n%s", err, lastLines(s.logFile()))
	}
	return nil
}

func (s spec) stop(broker *child.Command) error {
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}
	if s.Temporary {
		signals = signals[1:] // the data goes anyway
	}
	if err := broker.End(shutdownGrace, signals...); err != nil {
		return fmt.Errorf("stop the broker: %w", err)
	}
	return nil
}

// lastLines is the end of a log, for an error's text.
func lastLines(path string) string {
	const limit = 2048
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(content[max(0, len(content)-limit):])
}
