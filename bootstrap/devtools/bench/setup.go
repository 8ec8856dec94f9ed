package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// nobody is the address of a gateway that is never called.
const nobody = "http://127.0.0.1:1"

const (
	partitions = 12
	bucket     = "balsong-bench"
	zoneName   = "Asia/Seoul"
	group      = "balsong-delivery"
)

var by = port.Act{Actor: "bench", Reason: "a benchmark"}

// start checks the disk and starts the components.
func (b *bench) start(ctx context.Context) (err error) {
	if err := b.checkDisk(); err != nil {
		return err
	}
	kafka, err := b.chooseKafka()
	if err != nil {
		return err
	}
	log, err := b.logFile("components")
	if err != nil {
		return err
	}
	b.components, err = localenv.Start(ctx, localenv.Options{
		Postgres: b.Postgres, Kafka: kafka, DataDir: b.path("data"), Durable: b.Durable, Log: log,
	})
	if err != nil {
		return fmt.Errorf("%w (the components' log: %s)", err, log.Name())
	}
	b.stops = append(b.stops, b.components.Stop)
	if b.keyset, err = crypto.NewKeyset(); err != nil {
		return err
	}
	b.report.Kafka = b.components.Addresses().KafkaKind
	err = b.onServer(ctx, func(admin *sqlx.DB) error { return admin.GetContext(ctx, &b.report.Postgres, "SHOW server_version") })
	if err != nil {
		return err
	}
	b.say("PostgreSQL %s (durable: %t), Kafka (%s, one broker, %d partitions) and S3 answer",
		b.report.Postgres, b.Durable, b.report.Kafka, partitions)
	return nil
}

// chooseKafka takes Apache Kafka where it can run.
func (b *bench) chooseKafka() (string, error) {
	if b.Kafka != "" {
		return b.Kafka, nil
	}
	cache, err := cachedir.Default()
	if err != nil {
		return "", err
	}
	err = apachekafka.Available(cache)
	if err == nil {
		return localenv.Apache, nil
	}
	if !errors.Is(err, apachekafka.ErrNoJava) && !errors.Is(err, apachekafka.ErrNoMaven) {
		return "", err
	}
	b.note("NOT Apache Kafka: kfake, a broker inside the benchmark's own process, stands in for it, so these numbers are not those of the performance targets (%v)", err)
	return localenv.Kfake, nil
}

// note keeps what a reader of the numbers must know, and says it at once.
func (b *bench) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	b.report.Notes = append(b.report.Notes, text)
	b.say("NOTE: %s", text)
}

// stage is what one stage is measured on: a database and topics of its own.
type stage struct {
	wholebatch.Config
	environment map[string]string // of the processes; production's defaults where it says nothing
	db          *sqlx.DB          // plain connections, for seeding and counting
	batch       wholebatch.Batch
	months      port.Months
	randomText  bool // statements hardly compress
}

// open makes a stage's database, topics and policy with the production batch, and hands them to do.
func (b *bench) open(ctx context.Context, name string, do func(ctx context.Context, s *stage) error) error {
	return b.openWith(ctx, name, partitions, do)
}

func (b *bench) openWith(ctx context.Context, name string, partitions int, do func(ctx context.Context, s *stage) error) error {
	address, err := b.createDatabase(ctx, name)
	if err != nil {
		return err
	}
	s := &stage{Config: b.settings(address, name+"-", partitions), randomText: b.RandomText}
	s.environment = b.environment(s.Config)
	if s.db, err = sqlx.ConnectContext(ctx, "postgres", address); err != nil {
		return err
	}
	defer s.db.Close()
	type needs struct {
		fx.In
		Batch  wholebatch.Batch
		Months port.Months
	}
	var failure error
	code := core.Once(ctx, b.Out, wholebatch.Options(s.Config), func(ctx context.Context, n needs) error {
		s.batch, s.months = n.Batch, n.Months
		failure = n.Batch.Migrate(ctx)
		if failure == nil {
			failure = s.activate(ctx, channel.SMS)
		}
		if failure == nil {
			failure = do(ctx, s)
		}
		return nil
	})
	if failure == nil && code != core.ExitOK {
		failure = errors.New("the batch has failed")
	}
	return failure
}

// onServer does something with a connection to the server.
func (b *bench) onServer(ctx context.Context, do func(admin *sqlx.DB) error) error {
	admin, err := sqlx.ConnectContext(ctx, "postgres", b.components.Addresses().DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return errors.Join(do(admin), admin.Close())
}

// createDatabase makes a stage's database and returns its URL.
func (b *bench) createDatabase(ctx context.Context, stage string) (string, error) {
	u, err := url.Parse(b.components.Addresses().DatabaseURL)
	if err != nil {
		return "", err
	}
	u.Path = "/balsong_bench_" + stage
	err = errors.Join(b.dropDatabase(ctx, stage), b.onServer(ctx, func(admin *sqlx.DB) error {
		_, err := admin.ExecContext(ctx, "CREATE DATABASE balsong_bench_"+stage)
		return err
	}))
	return u.String(), err
}

// dropDatabase gives the disk of a stage back.
func (b *bench) dropDatabase(ctx context.Context, stage string) error {
	return b.onServer(ctx, func(admin *sqlx.DB) error {
		_, err := admin.ExecContext(ctx, "DROP DATABASE IF EXISTS balsong_bench_"+stage+" WITH (FORCE)")
		return err
	})
}

// activate makes a policy as in production: a route over a channel, quiet hours of the customer's own.
func (s *stage) activate(ctx context.Context, kind channel.Kind) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return err
	}
	backoff := attempt.Backoff{Base: time.Minute, Factor: 2, Max: time.Hour}
	drafted, err := s.batch.Policies.Draft(ctx, policy.Spec{
		Name:         "benchmark",
		Route:        policy.Route{{Channel: kind, Tries: 2}},
		Backoff:      map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: backoff, attempt.Throttled: backoff},
		PublishRetry: backoff,
		Zone:         zone,
		Class:        policy.Transactional,
		Unknown:      map[channel.Kind]attempt.UnknownPolicy{kind: attempt.Hold},
		Undelivered:  map[channel.Kind]policy.Undelivered{kind: policy.UndeliveredNext},
	}, by)
	if err != nil {
		return err
	}
	return s.batch.Policies.Activate(ctx, drafted.Ref(), by)
}

// settings are where a stage's components are; all else has production's defaults.
func (b *bench) settings(databaseURL, topicPrefix string, partitions int) wholebatch.Config {
	a := b.components.Addresses()
	return wholebatch.Config{
		Database: config.Database{URL: databaseURL, MaxConns: 8, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, KafkaAccess: config.KafkaAccess{TopicPrefix: topicPrefix}, Partitions: int32(partitions), Replication: 1, MinInSync: 1},
		S3:       a.StatementStore(bucket, 48),
		Keys:     config.Keys{Keyset: string(b.keyset)},
		Log:      config.Log{Level: "warn", Format: "json"},
	}
}

// environment is the same as the environment of a process.
func (b *bench) environment(c wholebatch.Config) map[string]string {
	all := b.components.Addresses().Services(c.Database.URL, c.S3.Bucket, c.Kafka.TopicPrefix, int(c.Kafka.Partitions))
	all["BALSONG_KEYSET"], all["BALSONG_DELIVERY_DRAIN"] = c.Keys.Keyset, "20s" // less than a process has to end
	maps.Copy(all, b.Set)
	return all
}
