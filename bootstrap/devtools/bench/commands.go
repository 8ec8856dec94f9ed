package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// batchRole is a command of the batch, as people call it, in a process of its own.
var batchRole = child.Register("bench-batch", runBatch)

// batchOrders are what it is called with.
type batchOrders struct {
	Environment map[string]string `json:"environment"`
	Arguments   []string          `json:"arguments"`
	Output      string            `json:"output"` // file for what it answers
	Usage       string            `json:"usage"`  // file for what it used
	Profile     string            `json:"profile"`
}

func runBatch(ctx context.Context, link *child.Link) (err error) {
	var o batchOrders
	if ctx, err = link.Spec(ctx, &o); err != nil {
		return err
	}
	for name, value := range o.Environment {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	output, err := os.Create(o.Output)
	if err != nil {
		return err
	}
	if err := link.Ready(info{}); err != nil {
		return err
	}
	stop, err := profile(o.Profile)
	if err != nil {
		return err
	}
	code := cli.Run(ctx, batchapp.NewCommand(), o.Arguments, output, os.Stderr)
	stop()
	if err := output.Close(); err != nil {
		return err
	}
	if code != core.ExitOK {
		return fmt.Errorf("batch %s ended with exit code %d", strings.Join(o.Arguments, " "), code)
	}
	return writeJSON(o.Usage, usageOf(os.Getpid()))
}

// batch runs a command of the batch and returns what it answered, how long it took, and what processes used meanwhile, its own under
// its name.
func (b *bench) batch(ctx context.Context, s *stage, arguments ...string) (answer []byte, run StageRun, err error) {
	name := arguments[0]
	o := batchOrders{
		Environment: batchEnvironment(s.config), Arguments: slices.Insert(slices.Clone(arguments), 1, "--output", "json"), // files stand behind all flags
		Output: b.path(name + ".json"), Usage: b.path(name + ".usage.json"), Profile: b.profilePath(name),
	}
	before, began := usages(), time.Now()
	process, err := b.startChild(ctx, batchRole, o)
	if err != nil {
		return nil, run, err
	}
	ended := untilEnd(ctx, process)
	run.Seconds = time.Since(began).Seconds()
	if ended != nil {
		return nil, run, fmt.Errorf("batch %s: %w (its log: %s)", name, ended, b.path("bench-batch.log"))
	}
	run.CPU = between(before, usages())
	var own usage
	answer, err = os.ReadFile(o.Output)
	err = errors.Join(err, readJSON(o.Usage, &own))
	delete(run.CPU, "batch")
	delete(run.CPU, "bench") // it counts what ended processes used
	run.CPU[name], run.PeakRSS = own.CPU(), own.PeakRSS
	return answer, run, err
}

// batchEnvironment is a configuration as the environment of a command.
func batchEnvironment(c config.Deliverer) map[string]string {
	return map[string]string{
		"DATABASE_URL":               c.Database.URL,
		"BALSONG_KAFKA_BROKERS":      strings.Join(c.Kafka.Brokers, ","),
		"BALSONG_KAFKA_TOPIC_PREFIX": c.Kafka.TopicPrefix,
		"BALSONG_KAFKA_PARTITIONS":   strconv.Itoa(int(c.Kafka.Partitions)),
		"BALSONG_KAFKA_REPLICATION":  "1",
		"BALSONG_KAFKA_MIN_INSYNC":   "1",
		"BALSONG_S3_BUCKET":          c.S3.Bucket,
		"BALSONG_S3_REGION":          c.S3.Region,
		"BALSONG_S3_ENDPOINT":        c.S3.Endpoint,
		"BALSONG_S3_ACCESS_KEY":      c.S3.AccessKey,
		"BALSONG_S3_SECRET_KEY":      c.S3.SecretKey,
		"BALSONG_KEYSET":             c.Keys.Keyset,
		"BALSONG_LOG_LEVEL":          "warn",
	}
}
