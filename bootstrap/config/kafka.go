package config

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Kafka is the log of events.
type Kafka struct {
	Brokers     []string `env:"BALSONG_KAFKA_BROKERS,required" help:"host:port, comma-separated"`
	Partitions  int32    `env:"BALSONG_KAFKA_PARTITIONS" envDefault:"12" help:"partitions of each topic that batch migrate creates"`
	Replication int16    `env:"BALSONG_KAFKA_REPLICATION" envDefault:"3" help:"replicas of each partition that batch migrate creates"`
	MinInSync   int16    `env:"BALSONG_KAFKA_MIN_INSYNC" envDefault:"2" help:"replicas that must have a message before it is acknowledged"`
	// SessionTimeout zero means the adapter's default.
	SessionTimeout time.Duration `env:"BALSONG_KAFKA_SESSION_TIMEOUT" envDefault:"10s" help:"how long the group waits for a consumer's sign of life before others take its partitions over"`
	KafkaAccess
}

// KafkaAccess is what it takes beside the brokers' addresses to reach the log of events.
type KafkaAccess struct {
	TopicPrefix string `env:"BALSONG_KAFKA_TOPIC_PREFIX" help:"prefix of the topics' and groups' names"`
	TLS         bool   `env:"BALSONG_KAFKA_TLS" envDefault:"false" help:"connect to the brokers by TLS"`
	CA          CA     `env:"BALSONG_KAFKA_CA" help:"PEM certificates that are trusted beside the system's, as in file:/etc/ssl/ca.pem"`
	SASL        string `env:"BALSONG_KAFKA_SASL" envDefault:"SCRAM-SHA-512" help:"SASL mechanism of the login: SCRAM-SHA-512, SCRAM-SHA-256, PLAIN or OAUTHBEARER, or aws-iam (AWS MSK: tokens of the process's role); the last three by TLS, except to this machine"`
	User        string `env:"BALSONG_KAFKA_USER" help:"SASL user, for SCRAM and PLAIN; without it no login"`
	Password    string `env:"BALSONG_KAFKA_PASSWORD" secret:"true" help:"SASL password"`
	OAuth       OAuth  `envPrefix:"BALSONG_KAFKA_OAUTH_"`
}

// OAuth is where a client that logs in by OAUTHBEARER gets its tokens.
type OAuth struct {
	OAuthClient
	Extensions map[string]string `env:"EXTENSIONS" envKeyValSeparator:"=" help:"SASL extensions that the brokers ask for, as in logicalCluster=lkc-1,identityPoolId=pool-1"`
}

// OptionalKafka is the log of events for those who only read it.
type OptionalKafka struct {
	Brokers []string `env:"BALSONG_KAFKA_BROKERS" help:"host:port, comma-separated; without it the consumer lag is not read"`
	KafkaAccess
}

// RequiredKafka is the log of events for those who only read it, and cannot do without.
type RequiredKafka struct {
	Brokers []string `env:"BALSONG_KAFKA_BROKERS,required" help:"host:port, comma-separated"`
	KafkaAccess
}

func (k RequiredKafka) validate() error { return k.check(k.Brokers) }

func (k OptionalKafka) validate() error {
	if len(k.Brokers) == 0 {
		return nil
	}
	return k.check(k.Brokers)
}

func (k Kafka) validate() error {
	if len(k.Brokers) == 0 {
		return errors.New("BALSONG_KAFKA_BROKERS is empty (want host:port, comma-separated)")
	}
	for _, broker := range k.Brokers {
		if strings.Contains(broker, "@") {
			return errors.New("BALSONG_KAFKA_BROKERS contains a user or a password, which would not be used: take it away (set BALSONG_KAFKA_USER and BALSONG_KAFKA_PASSWORD)")
		}
		if _, _, err := net.SplitHostPort(broker); err != nil {
			return fmt.Errorf("BALSONG_KAFKA_BROKERS: %q is not host:port", broker)
		}
	}
	if k.SessionTimeout < 3*time.Second {
		return fmt.Errorf("BALSONG_KAFKA_SESSION_TIMEOUT is %s: it must be at least 3s (the brokers ask for 6s by default)", k.SessionTimeout)
	}
	if err := k.check(k.Brokers); err != nil {
		return err
	}
	if k.Partitions < 1 || k.Replication < 1 || k.MinInSync < 1 || k.MinInSync > k.Replication {
		return errors.New("BALSONG_KAFKA_PARTITIONS, _REPLICATION and _MIN_INSYNC must be at least 1, and MIN_INSYNC at most REPLICATION")
	}
	return nil
}

func (a KafkaAccess) check(brokers []string) error {
	if err := a.CA.validate(); err != nil {
		return fmt.Errorf("BALSONG_KAFKA_CA: %w", err)
	}
	unencrypted := !a.TLS && slices.ContainsFunc(brokers, Elsewhere)
	switch {
	case a.CA != "" && !a.TLS:
		return errors.New("BALSONG_KAFKA_CA is set, and BALSONG_KAFKA_TLS is not true: set it, or take the CA away")
	case !slices.Contains([]string{"", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", OAuthBearer, AWSIAM}, a.SASL):
		return fmt.Errorf("BALSONG_KAFKA_SASL is %q (want SCRAM-SHA-512, SCRAM-SHA-256, PLAIN, OAUTHBEARER or aws-iam)", a.SASL)
	case a.SASL == "PLAIN" && a.User != "" && unencrypted:
		return errors.New("BALSONG_KAFKA_SASL is PLAIN and BALSONG_KAFKA_TLS is not true: the password would be sent unencrypted")
	case a.ByToken() && unencrypted:
		return fmt.Errorf("BALSONG_KAFKA_SASL is %s and BALSONG_KAFKA_TLS is not true: the token would be sent unencrypted", a.SASL)
	case a.ByToken() && (a.User != "" || a.Password != ""):
		return fmt.Errorf("BALSONG_KAFKA_USER and BALSONG_KAFKA_PASSWORD are for SCRAM and PLAIN: take them away, or BALSONG_KAFKA_SASL=%s", a.SASL)
	case a.SASL == OAuthBearer:
		return a.OAuth.check()
	case (a.User == "") != (a.Password == ""):
		return errors.New("BALSONG_KAFKA_USER and BALSONG_KAFKA_PASSWORD must both be set (or neither: no login)")
	case a.OAuth.set():
		return errors.New("BALSONG_KAFKA_OAUTH_… is set, and BALSONG_KAFKA_SASL is not OAUTHBEARER: set it, or take them away")
	}
	return nil
}

// The values of BALSONG_KAFKA_SASL that log in with a token, both by the mechanism OAUTHBEARER.
const (
	OAuthBearer = "OAUTHBEARER" // of a token endpoint
	AWSIAM      = "aws-iam"     // signed here, with the identity that the process has at AWS
)

// ByToken reports whether the login is by a token.
func (a KafkaAccess) ByToken() bool { return a.SASL == OAuthBearer || a.SASL == AWSIAM }

func (o OAuth) set() bool { return o.OAuthClient.set() || len(o.Extensions) > 0 }

// extension is the form of the names of SASL extensions (RFC 7628); auth is the token's own place.
var extension = regexp.MustCompile(`^[A-Za-z]+$`)

func (o OAuth) check() error {
	const name = "BALSONG_KAFKA_OAUTH"
	problems := []error{o.OAuthClient.check(name, "BALSONG_KAFKA_SASL=OAUTHBEARER", false)}
	for key, value := range o.Extensions {
		if !extension.MatchString(key) || key == "auth" || strings.ContainsFunc(value, unicode.IsControl) {
			problems = append(problems, fmt.Errorf("%s_EXTENSIONS: %q is no name of an extension (letters, but not auth), or its value has control characters", name, key))
		}
	}
	return errors.Join(problems...)
}
