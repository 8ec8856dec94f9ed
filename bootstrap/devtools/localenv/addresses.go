package localenv

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embedpg"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/embeds3"
)

// S3Access is how to sign in at an S3 server.
type S3Access struct {
	AccessKey, SecretKey, Region string
}

// Addresses say where the components listen and how to sign in.
type Addresses struct {
	// DatabaseURL is the superuser's URL; the database in it always exists.
	DatabaseURL string
	// KafkaBrokers are host:port; KafkaKind is Kfake or Apache.
	KafkaBrokers []string
	KafkaKind    string
	// S3Endpoint is a URL; buckets are addressed by path.
	S3Endpoint string
	S3Access   S3Access
}

// Addresses of the components, those that ran already included.
func (s *Set) Addresses() Addresses {
	a := Addresses{
		DatabaseURL: s.options.Postgres,
		S3Endpoint:  s.options.S3, S3Access: s.options.S3Access,
	}
	if s.Postgres != nil {
		a.DatabaseURL = s.Postgres.URL(embedpg.User)
	}
	switch {
	case s.Kfake != nil:
		a.KafkaBrokers, a.KafkaKind = s.Kfake.Addrs(), Kfake
	case s.Apache != nil:
		a.KafkaBrokers, a.KafkaKind = s.Apache.Addrs(), Apache
	default:
		a.KafkaBrokers, a.KafkaKind = strings.Split(s.options.Kafka, ","), Apache
	}
	if s.S3 != nil {
		a.S3Endpoint = s.S3.Endpoint()
		a.S3Access = S3Access{AccessKey: s.S3.AccessKey(), SecretKey: s.S3.SecretKey(), Region: embeds3.Region}
	}
	return a
}

// StatementStore is a bucket of the S3 server, for apps that are wired in this process.
func (a Addresses) StatementStore(bucket string, cacheMiB int64) config.S3 {
	return config.S3{Bucket: bucket, S3Access: config.S3Access{
		Region: a.S3Access.Region, Endpoint: a.S3Endpoint, AccessKey: a.S3Access.AccessKey, SecretKey: a.S3Access.SecretKey, CacheMiB: cacheMiB,
	}}
}

// Environment is the addresses as the variables that the tests read.
func (a Addresses) Environment() []string {
	return []string{
		"BALSONG_TEST_DATABASE_URL=" + a.DatabaseURL,
		"BALSONG_TEST_KAFKA_BROKERS=" + strings.Join(a.KafkaBrokers, ","),
		"BALSONG_TEST_KAFKA=" + a.KafkaKind,
		"BALSONG_TEST_S3_ENDPOINT=" + a.S3Endpoint,
		"BALSONG_TEST_S3_ACCESS_KEY=" + a.S3Access.AccessKey,
		"BALSONG_TEST_S3_SECRET_KEY=" + a.S3Access.SecretKey,
		"BALSONG_TEST_S3_REGION=" + a.S3Access.Region,
	}
}

// FromEnvironment reads what Environment says. get returns a variable's value.
func FromEnvironment(get func(name string) string) (Addresses, error) {
	var missing []string
	value := func(name string) string {
		v := get("BALSONG_TEST_" + name)
		if v == "" {
			missing = append(missing, "BALSONG_TEST_"+name)
		}
		return v
	}
	a := Addresses{
		DatabaseURL:  value("DATABASE_URL"),
		KafkaBrokers: strings.Split(value("KAFKA_BROKERS"), ","), KafkaKind: value("KAFKA"),
		S3Endpoint: value("S3_ENDPOINT"), S3Access: S3Access{AccessKey: value("S3_ACCESS_KEY"), SecretKey: value("S3_SECRET_KEY"), Region: value("S3_REGION")},
	}
	if len(missing) > 0 {
		return a, fmt.Errorf("%s: not set", strings.Join(missing, ", "))
	}
	return a, nil
}

// Variables are the environment of a program.
type Variables map[string]string

// List is the variables as a process takes them.
func (v Variables) List() []string {
	list := make([]string, 0, len(v))
	for _, name := range slices.Sorted(maps.Keys(v)) {
		list = append(list, name+"="+v[name])
	}
	return list
}

// Services is the addresses as production's programs read them. Bucket, topics and the database are the caller's own.
func (a Addresses) Services(database, bucket, topicPrefix string, partitions int) Variables {
	return Variables{
		"DATABASE_URL":               database,
		"BALSONG_KAFKA_BROKERS":      strings.Join(a.KafkaBrokers, ","),
		"BALSONG_KAFKA_TOPIC_PREFIX": topicPrefix,
		"BALSONG_KAFKA_PARTITIONS":   strconv.Itoa(partitions),
		"BALSONG_KAFKA_REPLICATION":  "1",
		"BALSONG_KAFKA_MIN_INSYNC":   "1",
		"BALSONG_S3_BUCKET":          bucket,
		"BALSONG_S3_REGION":          a.S3Access.Region,
		"BALSONG_S3_ENDPOINT":        a.S3Endpoint,
		"BALSONG_S3_ACCESS_KEY":      a.S3Access.AccessKey,
		"BALSONG_S3_SECRET_KEY":      a.S3Access.SecretKey,
	}
}
