package command

import (
	"cmp"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// brokersOf runs a broker, and makes the topics as a user that it knows.
func brokersOf(t *testing.T, settings kafka.TopicSettings, options ...kfake.Opt) config.Kafka {
	t.Helper()
	cluster, err := kfake.NewCluster(append(options, kfake.NumBrokers(1))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	c := config.Kafka{
		Brokers: cluster.ListenAddrs(), SessionTimeout: 10 * time.Second, Partitions: 2, Replication: 1, MinInSync: 1,
		KafkaAccess: config.KafkaAccess{User: "balsong", Password: "right"},
	}
	if settings.Partitions == 0 {
		return c
	}
	topics, err := kafka.NewTopics(core.KafkaCluster(c.Brokers, c.KafkaAccess, "test", awsidentity.New()), settings)
	if err != nil {
		t.Fatal(err)
	}
	defer topics.Close()
	if err := topics.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheDoctorFindsWhatIsWrongWithTheBrokers(t *testing.T) {
	t.Parallel()
	sasl := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "balsong", "right")}
	sound := kafka.TopicSettings{Partitions: 2, Replication: 1, MinInSync: 1}
	for name, c := range map[string]struct {
		made      kafka.TopicSettings
		brokers   map[string]string
		mistake   func(*config.Kafka)
		level     doctor.Level
		found, do string
	}{
		"nothing":             {sound, nil, func(*config.Kafka) {}, doctor.OK, "1 broker answers", ""},
		"a wrong password":    {sound, nil, func(k *config.Kafka) { k.Password = "wrong" }, doctor.Problem, "", "BALSONG_KAFKA_PASSWORD"},
		"no user":             {sound, nil, func(k *config.Kafka) { k.User, k.Password = "", "" }, doctor.Problem, "", "BALSONG_KAFKA_USER"},
		"topics on their own": {sound, map[string]string{"auto.create.topics.enable": "true"}, func(*config.Kafka) {}, doctor.Advice, "auto.create.topics.enable", "set it to false"},
		"min.insync too low":  {sound, nil, func(k *config.Kafka) { k.Replication, k.MinInSync = 2, 2 }, doctor.Problem, "min.insync.replicas is 1, wanted is 2", "kafka-configs.sh"},
		"too few partitions":  {sound, nil, func(k *config.Kafka) { k.Partitions = 12 }, doctor.Problem, "2 partitions, wanted are 12", "kafka-topics.sh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := brokersOf(t, c.made, append(sasl, kfake.BrokerConfigs(c.brokers))...)
			c.mistake(&k)
			findings := doctor.Examine(t.Context(), doctor.Components{Kafka: &k}, observe.Clock{})
			for _, f := range findings {
				if f.Component == "event log" && f.Level == c.level && strings.Contains(f.Found, c.found) && strings.Contains(f.Do, c.do) {
					return
				}
			}
			t.Errorf("it says %+v", findings)
		})
	}
}

func TestBrokersAreReachedByEachLoginOverTLSWithACAOfTheirOwn(t *testing.T) {
	t.Parallel()
	server, _ := porttest.Certificate()
	ca := config.CA(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}))
	for _, mechanism := range []string{"", "SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"} {
		t.Run(mechanism, func(t *testing.T) {
			t.Parallel()
			known := cmp.Or(mechanism, "SCRAM-SHA-512")
			k := brokersOf(t, kafka.TopicSettings{}, kfake.TLS(server), kfake.EnableSASL(), kfake.Superuser(known, "balsong", "right"))
			k.TLS, k.SASL = true, mechanism
			for _, c := range []struct {
				ca       config.CA
				password string
				level    doctor.Level
				do       string
			}{
				{ca, "right", doctor.OK, ""}, {ca, "wrong", doctor.Problem, "BALSONG_KAFKA_PASSWORD"}, {"", "right", doctor.Problem, "BALSONG_KAFKA_CA"},
			} {
				k.CA, k.Password = c.ca, c.password
				finding := doctor.Examine(t.Context(), doctor.Components{Kafka: &k}, observe.Clock{})[1]
				if finding.Level != c.level || !strings.Contains(finding.Do, c.do) {
					t.Errorf("with the CA: %v, password %s: %+v", c.ca != "", c.password, finding)
				}
			}
		})
	}
}

func TestAUserWhomTheBrokersRefuseIsReportedAndKeepsACommandFromBeginning(t *testing.T) {
	t.Parallel()
	uses := doctor.Components{Kafka: &config.Kafka{
		Brokers: []string{offering(t, sarama.ErrNoError)}, SessionTimeout: 10 * time.Second, Partitions: 1, Replication: 1, MinInSync: 1, KafkaAccess: config.KafkaAccess{User: "balsong", Password: "wrong-one"},
	}}
	err := doctor.Refused(t.Context(), uses, observe.Clock{})
	if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), `the brokers refuse the user "balsong"`) ||
		!strings.Contains(err.Error(), "BALSONG_KAFKA_PASSWORD") || strings.Contains(err.Error(), "wrong-one") {
		t.Error(err)
	}
}

// probed is the test of a broker that is asked whether it speaks TLS, which a simulated broker cannot decode.
type probed struct{ *testing.T }

// Error is as of the test, except for that.
func (p probed) Error(args ...any) {
	p.Helper()
	if text := fmt.Sprint(args...); !strings.Contains(text, "error decoding packet") {
		p.T.Error(text)
	}
}

// offering runs a broker that answers so when it is told the mechanism of the login, and refuses every login.
func offering(t *testing.T, answer sarama.KError) string {
	t.Helper()
	broker := sarama.NewMockBroker(probed{t}, 1)
	t.Cleanup(broker.Close)
	broker.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{
			{ApiKey: 3, MaxVersion: 7}, {ApiKey: 17, MaxVersion: 1}, {ApiKey: 18, MaxVersion: 3}, {ApiKey: 36, MaxVersion: 1}, // metadata, handshake, versions, authenticate
		}),
		"SaslHandshakeRequest":    sarama.NewMockWrapper(&sarama.SaslHandshakeResponse{Err: answer, EnabledMechanisms: []string{sarama.SASLTypeSCRAMSHA512, sarama.SASLTypeOAuth}}),
		"SaslAuthenticateRequest": sarama.NewMockSaslAuthenticateResponse(t).SetError(sarama.ErrSASLAuthenticationFailed),
	})
	return broker.Addr()
}

func TestTheDoctorTellsWhoRefusesALoginByTokensAndWhatToCompare(t *testing.T) {
	t.Parallel()
	server, _ := porttest.Certificate()
	ca := config.CA(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificates[0].Certificate[0]}))
	issuer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if _, password, _ := r.BasicAuth(); password != "right" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		fmt.Fprint(w, `{"access_token":"a","expires_in":3600}`)
	}))
	issuer.TLS = server
	issuer.StartTLS()
	t.Cleanup(issuer.Close)
	for name, c := range map[string]struct {
		offers    sarama.KError
		mistake   func(*config.OAuth)
		found, do string
	}{
		"a token of another audience": {sarama.ErrNoError, func(*config.OAuth) {}, `the brokers refuse the token of the client "balsong"`, "audience"},
		"another mechanism":           {sarama.ErrUnsupportedSASLMechanism, func(*config.OAuth) {}, "the brokers do not offer the SASL mechanism OAUTHBEARER", "BALSONG_KAFKA_SASL"},
		"a wrong client secret":       {sarama.ErrNoError, func(o *config.OAuth) { o.ClientSecret = "wrong-one" }, `refuses the client "balsong"`, "BALSONG_KAFKA_OAUTH_CLIENT_ID, _CLIENT_SECRET"},
		"a CA of its own":             {sarama.ErrNoError, func(o *config.OAuth) { o.CA = "" }, "a certificate that is not trusted", "set BALSONG_KAFKA_OAUTH_CA"},
		"a wrong path":                {sarama.ErrNoError, func(o *config.OAuth) { o.TokenURL = "https://127.0.0.1:1/token" }, "cannot be reached", "BALSONG_KAFKA_OAUTH_TOKEN_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := config.Kafka{
				Brokers: []string{offering(t, c.offers)}, SessionTimeout: 10 * time.Second, Partitions: 1, Replication: 1, MinInSync: 1,
				KafkaAccess: config.KafkaAccess{SASL: config.OAuthBearer, OAuth: config.OAuth{OAuthClient: config.OAuthClient{TokenURL: issuer.URL + "/token", ClientID: "balsong", ClientSecret: "right", CA: ca}}},
			}
			c.mistake(&k.OAuth)
			finding := doctor.Examine(t.Context(), doctor.Components{Kafka: &k}, observe.Clock{})[1]
			if finding.Level != doctor.Problem || !strings.Contains(finding.Found, c.found) || !strings.Contains(finding.Do, c.do) || strings.Contains(finding.Found+finding.Do, "wrong-one") {
				t.Errorf("it says %+v", finding)
			}
		})
	}
}
