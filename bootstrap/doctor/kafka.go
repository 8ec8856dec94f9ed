package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/wording"
)

func eventLog(ctx context.Context, c config.Kafka, identity *awsidentity.Identity, clock port.Clock) []Finding {
	p := component{name: port.ComponentEventLog, checked: strings.Join(c.Brokers, ",")}
	cluster := core.KafkaCluster(c.Brokers, c.KafkaAccess, "balsong-doctor", identity)
	cluster.Timeouts = kafka.Timeouts{Dial: 3 * time.Second, Request: 4 * time.Second} // an operator waits for the answer
	facts, err := kafka.Describe(ctx, cluster)
	if err != nil {
		p.unreachable(err, c)
		return p.list
	}
	answers := wording.Count(facts.Brokers, "broker answers", "brokers answer")
	if c.SASL == config.AWSIAM {
		answers += ", and the identity signs in by IAM"
	}
	p.add(OK, answers, "")
	if c.User != "" && !c.TLS && slices.ContainsFunc(c.Brokers, config.Elsewhere) {
		p.add(Advice, "BALSONG_KAFKA_USER logs in without TLS: an observer of the network can guess passwords against the exchange", "set BALSONG_KAFKA_TLS=true, and take the brokers' TLS port")
	}
	if facts.Brokers < int(c.Replication) {
		p.add(Problem, fmt.Sprintf("%s, and BALSONG_KAFKA_REPLICATION asks for %d copies", wording.Count(facts.Brokers, "broker", "brokers"), c.Replication),
			"add brokers; one alone (a laptop) needs BALSONG_KAFKA_REPLICATION=1 and BALSONG_KAFKA_MIN_INSYNC=1")
	}
	if facts.AutoCreate == "true" {
		p.add(Advice, "the brokers make topics that anybody names (auto.create.topics.enable)", "set it to false: a mistyped name should be an error, not an empty topic with the brokers' defaults")
	}
	for _, topic := range facts.Topics {
		p.checked = topic.Name
		p.topic(topic, c)
		p.clockOf(future(topic, clock), clock, 0, "the reaper asks for offsets by the brokers' time")
	}
	return p.list
}

// future is the time of a topic's newest message, if that has not come yet: how long ago a message came says nothing.
func future(topic kafka.TopicFacts, clock port.Clock) time.Time {
	if topic.Newest.After(clock.Now()) {
		return topic.Newest
	}
	return time.Time{}
}

func (p *component) unreachable(err error, c config.Kafka) {
	switch kafka.FailureOf(err) {
	case kafka.FailureHost:
		p.add(Problem, "no machine has that name", "check BALSONG_KAFKA_BROKERS; the brokers' own names (advertised.listeners) must be known here too")
	case kafka.FailureRefused:
		p.add(Problem, "nothing listens at that port", "check host and port in BALSONG_KAFKA_BROKERS (9092 is usual), and that Kafka runs; the brokers' own addresses (advertised.listeners) must be reachable from here too")
	case kafka.FailureLogin:
		if c.SASL == config.AWSIAM {
			p.refuse("the brokers refuse the IAM token", "allow the role kafka-cluster:Connect on the cluster (and DescribeCluster, and on topics and groups what docs/operations/connections.md lists), "+
				"switch IAM access control on at the cluster, name the port that takes it in BALSONG_KAFKA_BROKERS (9098), and compare the clocks: a token is good for 15 minutes")
			return
		}
		if c.SASL == config.OAuthBearer {
			p.refuse(fmt.Sprintf("the brokers refuse the token of the client %q", c.OAuth.ClientID),
				"compare what the token endpoint issues with what the brokers ask for: issuer, audience (sasl.oauthbearer.expected.issuer, .audience), the key that signs (sasl.oauthbearer.jwks.endpoint.url), scopes (BALSONG_KAFKA_OAUTH_SCOPES); and the clocks, because a token expires")
			return
		}
		p.refuse(fmt.Sprintf("the brokers refuse the user %q or its password", c.User), "check BALSONG_KAFKA_USER and BALSONG_KAFKA_PASSWORD, and that the user has credentials for BALSONG_KAFKA_SASL")
	case kafka.FailureSASL:
		p.refuse("the brokers do not offer the SASL mechanism "+mechanism(c.SASL), "set BALSONG_KAFKA_SASL to one that they offer (sasl.enabled.mechanisms), or take the port that offers it")
	case kafka.FailureTokenRefused, kafka.FailureTokenUnavailable:
		p.noToken(err, c.SASL)
	case kafka.FailureTokenTrust:
		p.add(Problem, cause(err), "set BALSONG_KAFKA_OAUTH_CA to the CA that signed it (file:/path), and use the name that it has in BALSONG_KAFKA_OAUTH_TOKEN_URL")
	case kafka.FailureTrust:
		p.add(Problem, "the brokers' certificate is not trusted, or for another name", "set BALSONG_KAFKA_CA to the CA that signed it (file:/path), and use the names that it has in BALSONG_KAFKA_BROKERS")
	case kafka.FailureNoTLS:
		p.add(Problem, "this port does not speak TLS, and BALSONG_KAFKA_TLS is true", "name the brokers' TLS port in BALSONG_KAFKA_BROKERS (9093 or 9094 is usual); on a trusted network, set BALSONG_KAFKA_TLS=false")
	case kafka.FailureWantsTLS:
		p.add(Problem, "this port speaks TLS, and BALSONG_KAFKA_TLS is not true", "set BALSONG_KAFKA_TLS=true (and BALSONG_KAFKA_CA where the CA is your own), or name a port without TLS in BALSONG_KAFKA_BROKERS")
	case kafka.FailureTimeout:
		p.add(Problem, "no answer in time", "check the port (9092 is usual): a firewall may drop the packets, something else may listen there, or the port wants a user (BALSONG_KAFKA_USER)")
	case kafka.FailureProtocol:
		p.add(Problem, "something answers there, but not as Kafka should", "check the port (9092 is usual) and the user (BALSONG_KAFKA_USER, BALSONG_KAFKA_PASSWORD)")
	}
}

// noToken finds that there is no token to log in with.
func (p *component) noToken(err error, sasl string) {
	refused := kafka.FailureOf(err) == kafka.FailureTokenRefused
	switch {
	case refused && sasl == config.AWSIAM:
		p.refuse(cause(err), setRegion)
	case sasl == config.AWSIAM:
		p.add(Problem, cause(err), giveRole)
	case refused:
		p.refuse(cause(err), "check BALSONG_KAFKA_OAUTH_CLIENT_ID, _CLIENT_SECRET and _SCOPES, and the path in _TOKEN_URL; the client must be allowed the grant client_credentials")
	default:
		p.add(Problem, cause(err), "check BALSONG_KAFKA_OAUTH_TOKEN_URL, and that it can be reached from here; nobody can log in to the brokers without it once the last token has expired")
	}
}

// mechanism is a login's mechanism by its name at the brokers.
func mechanism(sasl string) string {
	if sasl == config.AWSIAM {
		return config.OAuthBearer
	}
	return sasl
}

// cause is what the token endpoint did, without what it was asked for.
func cause(err error) string {
	if token, is := errors.AsType[*kafka.TokenError](err); is {
		return token.Error()
	}
	if none, is := errors.AsType[*postgres.ExamineError](err); is && none.Cause != nil {
		return none.Cause.Error()
	}
	return err.Error()
}

func (p *component) topic(topic kafka.TopicFacts, c config.Kafka) {
	if !topic.Exists {
		p.refuse("the topic does not exist", "run `batch migrate`; if it has run, check BALSONG_KAFKA_TOPIC_PREFIX and the user's right to describe it").missing = true
		return
	}
	sound := true
	wrong := func(level Level, found, do string) {
		sound = false
		p.add(level, found, do)
	}
	if topic.Role != port.TopicDeadLetter && topic.Partitions < int(c.Partitions) {
		wrong(Problem, fmt.Sprintf("%s, wanted are %d", wording.Count(topic.Partitions, "partition", "partitions"), c.Partitions),
			fmt.Sprintf("add some while no run is under way (kafka-topics.sh --alter --topic %s --partitions %d), or lower BALSONG_KAFKA_PARTITIONS: they bound how many delivery processes work at once", topic.Name, c.Partitions))
	}
	if topic.Replication < int(c.Replication) {
		wrong(Problem, fmt.Sprintf("%s of each partition, wanted are %d", wording.Count(topic.Replication, "copy", "copies"), c.Replication), "reassign the partitions with more replicas (kafka-reassign-partitions.sh), or lower BALSONG_KAFKA_REPLICATION")
	} else if topic.Replication == 1 {
		wrong(Advice, "one copy of each partition", "right for a laptop; in production 3, else a broker's disk takes messages with it")
	}
	if topic.MinInSync > 0 && topic.MinInSync < int(c.MinInSync) {
		wrong(Problem, fmt.Sprintf("min.insync.replicas is %d, wanted is %d", topic.MinInSync, c.MinInSync), "kafka-configs.sh --alter --entity-type topics --entity-name "+topic.Name+fmt.Sprintf(" --add-config min.insync.replicas=%d", c.MinInSync))
	}
	if topic.MinInSync > topic.Replication {
		wrong(Problem, fmt.Sprintf("min.insync.replicas is %d, and %s there: nothing is ever acknowledged", topic.MinInSync, wording.Count(topic.Replication, "copy is", "copies are")), "lower min.insync.replicas, or add replicas")
	}
	if topic.Unclean == "true" {
		wrong(Problem, "unclean.leader.election.enable is true", "set it to false: a replica that lags behind must not lead and lose what was acknowledged")
	}
	if sound {
		p.add(OK, fmt.Sprintf("%s, %s, %d in sync", wording.Count(topic.Partitions, "partition", "partitions"), wording.Count(topic.Replication, "copy", "copies"), topic.MinInSync), "")
	}
}
