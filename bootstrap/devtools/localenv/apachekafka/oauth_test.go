package apachekafka_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awsidentity"
	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/apachekafka"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/observe"
)

// issuer is a token endpoint with a key of its own. What it issues changes while it runs.
type issuer struct {
	*httptest.Server
	key    *rsa.PrivateKey
	name   atomic.Value // a string: the claim iss
	down   atomic.Bool
	issued atomic.Int32
	life   time.Duration
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, life: 20 * time.Second}
	i.name.Store("issuer")
	i.Server = httptest.NewServer(http.HandlerFunc(i.token))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, secret, _ := r.BasicAuth()
	switch {
	case i.down.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case secret != "right":
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
	default:
		i.issued.Add(1)
		fmt.Fprintf(w, `{"access_token":%q,"token_type":"bearer","expires_in":%d}`, i.sign(), int(i.life.Seconds()))
	}
}

// sign makes a JSON Web Token (RFC 7519) by RS256.
func (i *issuer) sign() string { return i.signUntil(time.Now().Add(i.life)) }

func (i *issuer) signUntil(end time.Time) string {
	part := func(v any) string {
		text, _ := json.Marshal(v) // maps of strings and numbers
		return base64.RawURLEncoding.EncodeToString(text)
	}
	said := part(map[string]any{"alg": "RS256", "kid": "k"}) + "." + part(map[string]any{
		"iss": i.name.Load(), "sub": "balsong", "aud": "kafka", "iat": time.Now().Unix(), "exp": end.Unix(), "scope": "billing",
	})
	sum := sha256.Sum256([]byte(said))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:]) // a key of its own making
	return said + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// broker runs a broker that accepts the issuer's tokens and ends sessions with them, with further settings.
func (i *issuer) broker(t *testing.T, further map[string]string) config.Kafka {
	t.Helper()
	number := func(n []byte) string { return base64.RawURLEncoding.EncodeToString(n) }
	jwks := filepath.Join(t.TempDir(), "jwks.json")
	text := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k","alg":"RS256","use":"sig","n":%q,"e":%q}]}`, number(i.key.N.Bytes()), number([]byte{1, 0, 1}))
	if err := os.WriteFile(jwks, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	const listener = "listener.name.plaintext.oauthbearer."
	settings := map[string]string{
		"listener.security.protocol.map":                "PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
		"sasl.enabled.mechanisms":                       "OAUTHBEARER",
		listener + "sasl.jaas.config":                   "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;",
		listener + "sasl.server.callback.handler.class": "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler",
		listener + "connections.max.reauth.ms":          "3600000",
		"sasl.oauthbearer.jwks.endpoint.url":            "file://" + jwks,
		"sasl.oauthbearer.expected.issuer":              "issuer",
		// By default, Apache Kafka 4.1.0 checks neither signature nor issuer.
		"sasl.oauthbearer.jwt.validator.class": "org.apache.kafka.common.security.oauthbearer.BrokerJwtValidator",
		"sasl.oauthbearer.expected.audience":   "kafka",
		"sasl.oauthbearer.clock.skew.seconds":  "0",
	}
	maps.Copy(settings, further)
	cluster := start(t, apachekafka.Options{Java: []string{"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=file://" + jwks}, Settings: settings})
	return config.Kafka{
		Brokers: cluster.Addrs(), SessionTimeout: 10 * time.Second, Partitions: 1, Replication: 1, MinInSync: 1,
		KafkaAccess: config.KafkaAccess{SASL: config.OAuthBearer, OAuth: config.OAuth{OAuthClient: config.OAuthClient{TokenURL: i.URL + "/token", ClientID: "balsong", ClientSecret: "right"}}},
	}
}

func TestABrokerIsReachedByTokensAndSaysWhoRefused(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	sound := issuer.broker(t, nil)
	for _, c := range []struct {
		name      string
		change    func(*config.Kafka)
		level     doctor.Level
		found, do string
	}{
		{"sound", func(*config.Kafka) {}, doctor.OK, "1 broker answers", ""},
		{"a wrong secret", func(k *config.Kafka) { k.OAuth.ClientSecret = "hunter2" }, doctor.Problem, `refuses the client "balsong" (invalid_client, HTTP 401)`, "BALSONG_KAFKA_OAUTH_CLIENT_ID, _CLIENT_SECRET"},
		{"a token of another issuer", func(*config.Kafka) { issuer.name.Store("another") }, doctor.Problem, `the brokers refuse the token of the client "balsong"`, "audience"},
		{"an endpoint that is down", func(*config.Kafka) { issuer.down.Store(true) }, doctor.Problem, "gives no token (HTTP 503)", "BALSONG_KAFKA_OAUTH_TOKEN_URL"},
		{"no endpoint", func(k *config.Kafka) { k.OAuth.TokenURL = "http://127.0.0.1:1/" }, doctor.Problem, "cannot be reached", "BALSONG_KAFKA_OAUTH_TOKEN_URL"},
		{"a password", func(k *config.Kafka) { k.SASL, k.User, k.Password = "SCRAM-SHA-512", "balsong", "right" }, doctor.Problem, "do not offer the SASL mechanism SCRAM-SHA-512", "BALSONG_KAFKA_SASL"},
	} {
		k := sound
		c.change(&k)
		findings := doctor.Examine(t.Context(), doctor.Components{Kafka: &k}, observe.Clock{})
		first := findings[1] // behind that of the time zones
		if first.Level != c.level || !strings.Contains(first.Found, c.found) || !strings.Contains(first.Do, c.do) || strings.Contains(fmt.Sprint(findings), "hunter2") {
			t.Errorf("%s: %+v", c.name, first)
		}
	}
}

// publisherOf makes the topics of a cluster, and returns a publisher with its log.
func publisherOf(t *testing.T, cluster kafka.Cluster) (*kafka.Publisher, *memory.Log) {
	t.Helper()
	topics, err := kafka.NewTopics(cluster, kafka.TopicSettings{Partitions: 1, Replication: 1, MinInSync: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer topics.Close()
	if err := topics.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := &memory.Log{}
	publisher, err := kafka.NewPublisher(cluster, log, &memory.Metrics{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return publisher, log
}

func TestSessionsAreRenewedBeforeTheirTokenExpires(t *testing.T) {
	t.Parallel()
	issuer := newIssuer(t)
	issuer.life = 3 * time.Second
	k := issuer.broker(t, nil)
	cluster := core.KafkaCluster(k.Brokers, k.KafkaAccess, "test", awsidentity.New())
	publisher, log := publisherOf(t, cluster)
	published := 0
	for before := issuer.issued.Load(); issuer.issued.Load() < before+4; published++ {
		if err := publisher.Publish(t.Context(), port.TopicRequests, []port.Message{{Key: "k", Value: []byte("v")}})[0]; err != nil {
			t.Fatalf("message %d, with token %d: %v", published, issuer.issued.Load(), err)
		}
	}
	if lines := log.Lines(); len(lines) > 0 {
		t.Errorf("it logged %v", lines)
	}
}
