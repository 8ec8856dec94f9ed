package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // the driver
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/cachedir"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/policy"
)

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
	if b.log, err = b.logFile("components"); err != nil {
		return err
	}
	b.components, err = localenv.Start(ctx, localenv.Options{
		Postgres: b.Postgres, Kafka: kafka, DataDir: b.path("data"), Durable: b.Durable, Log: b.log,
	})
	if err != nil {
		return fmt.Errorf("%w (the components' log: %s)", err, b.log.Name())
	}
	b.stops = append(b.stops, b.components.Stop)
	if b.keyset, err = crypto.NewKeyset(); err != nil {
		return err
	}
	b.report.Kafka = b.components.Addresses().KafkaKind
	if err := b.describeDatabase(ctx); err != nil {
		return err
	}
	b.say("PostgreSQL %s (durable: %t), Kafka (%s, one broker, %d partitions) and S3 answer",
		b.report.Postgres, b.Durable, b.report.Kafka, b.partitions)
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

func (b *bench) describeDatabase(ctx context.Context) error {
	admin, err := sqlx.ConnectContext(ctx, "postgres", b.components.Addresses().DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer admin.Close()
	return admin.GetContext(ctx, &b.report.Postgres, "SHOW server_version")
}

// stage is what one stage is measured on: a database and topics of its own.
type stage struct {
	config     config.Deliverer
	db         *sqlx.DB // plain connections, for seeding and counting
	cipher     port.Cipher
	importer   *importing.Importer
	packs      port.Packs
	months     port.Months
	policies   port.Policies
	analyze    func(ctx context.Context, month key.Month) error
	randomText bool // statements hardly compress
}

// open makes a stage's database, topics and policy with the production batch, and hands them to do.
func (b *bench) open(ctx context.Context, name string, do func(ctx context.Context, s *stage) error) error {
	address, err := b.createDatabase(ctx, "balsong_bench_"+name)
	if err != nil {
		return err
	}
	s := &stage{config: b.settings(address, name+"-"), randomText: b.RandomText}
	if s.db, err = sqlx.ConnectContext(ctx, "postgres", address); err != nil {
		return err
	}
	defer s.db.Close()
	c := wholebatch.Config{Database: s.config.Database, Kafka: s.config.Kafka, S3: s.config.S3, Keys: s.config.Keys, Log: config.Log{Level: "warn", Format: "json"}}
	type needs struct {
		fx.In
		Batch  wholebatch.Batch
		Months port.Months
	}
	var failure error
	code := core.Once(ctx, b.Out, wholebatch.Options(c), func(ctx context.Context, n needs) error {
		s.importer = n.Batch.Importer
		s.cipher, s.packs, s.months, s.policies, s.analyze = n.Batch.Cipher, n.Batch.Bucket, n.Months, n.Batch.Policies, n.Batch.Imports.Analyze
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

// createDatabase makes a database and returns its URL.
func (b *bench) createDatabase(ctx context.Context, name string) (string, error) {
	server := b.components.Addresses().DatabaseURL
	admin, err := sqlx.ConnectContext(ctx, "postgres", server)
	if err != nil {
		return "", fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer admin.Close()
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + name, "CREATE DATABASE " + name} {
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			return "", fmt.Errorf("make the database %s: %w", name, err)
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// dropDatabase gives the disk of a stage back that is measured again in another database.
func (b *bench) dropDatabase(ctx context.Context, name string) error {
	admin, err := sqlx.ConnectContext(ctx, "postgres", b.components.Addresses().DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer admin.Close()
	_, err = admin.ExecContext(ctx, "DROP DATABASE IF EXISTS balsong_bench_"+name+" WITH (FORCE)")
	return err
}

// activate makes a policy as in production: a route over a channel, quiet hours of the customer's own.
func (s *stage) activate(ctx context.Context, kind channel.Kind) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return err
	}
	backoff := attempt.Backoff{Base: time.Minute, Factor: 2, Max: time.Hour}
	drafted, err := s.policies.Draft(ctx, policy.Spec{
		Name:         "benchmark",
		Route:        policy.Route{{Channel: kind, Tries: 2}},
		Backoff:      map[attempt.FailureClass]attempt.Backoff{attempt.Temporary: backoff, attempt.Throttled: backoff},
		PublishRetry: backoff,
		Zone:         zone,
		Class:        policy.Transactional,
		Unknown:      map[channel.Kind]attempt.UnknownPolicy{kind: attempt.Hold},
	}, by)
	if err != nil {
		return err
	}
	return s.policies.Activate(ctx, drafted.Ref(), by)
}

// settings are the production defaults, for one broker.
func (b *bench) settings(databaseURL, topicPrefix string) config.Deliverer {
	a, linger := b.components.Addresses(), max(b.Linger, 0)
	return config.Deliverer{
		Database: config.Database{URL: databaseURL, MaxConns: 8, StatementTimeout: 30 * time.Second, LockTimeout: 10 * time.Second},
		Kafka:    config.Kafka{Brokers: a.KafkaBrokers, KafkaAccess: config.KafkaAccess{TopicPrefix: topicPrefix}, Partitions: int32(b.partitions), Replication: 1, MinInSync: 1},
		S3: config.S3{
			Bucket: bucket, Region: a.S3Access.Region, Endpoint: a.S3Endpoint,
			AccessKey: a.S3Access.AccessKey, SecretKey: a.S3Access.SecretKey, CacheMiB: int64(b.CacheMiB),
		},
		Keys:     config.Keys{Keyset: string(b.keyset)},
		Delivery: config.Delivery{InFlight: b.InFlight, Batch: b.Batch, Linger: linger, HaltPoll: 2 * time.Second, DrainFor: 20 * time.Second, ContentLimit: 5},
		Settlement: config.Settlement{
			Batch: b.Batch, Linger: 2 * linger, SweepEvery: 10 * time.Second, LeaseEvery: 30 * time.Second,
			ReapEvery: 30 * time.Second, ReapGrace: 10 * time.Minute,
		},
		Log: config.Log{Level: "info", Format: "json"},
	}
}
