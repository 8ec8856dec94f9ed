package kafka_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

const secret = "hunter+2 &=%/"

// endpoint runs a token endpoint, and returns what a client shows to it.
func endpoint(t *testing.T, answer http.HandlerFunc) kafka.ClientCredentials {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return kafka.ClientCredentials{TokenURL: server.URL + "/token?tenant=t", ClientID: "balsong", ClientSecret: secret}
}

// says is a token endpoint with one answer.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// silent is a token endpoint that never answers.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // only then a server notices that the client has gone
	<-r.Context().Done()
}

func TestATokenIsAskedForWithTheClientsCredentials(t *testing.T) {
	t.Parallel()
	for name, inBody := range map[string]bool{"as HTTP Basic": false, "in the body, where the endpoint wants that": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				if inBody {
					user, password = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
				} else if password == "hunter%2B2+%26%3D%25%2F" { // RFC 6749, section 2.3.1: in the form's encoding
					password = secret
				}
				if user != "balsong" || password != secret || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("scope") != "one two" {
					says(http.StatusUnauthorized, `{"error":"invalid_client"}`)(w, r)
					return
				}
				says(http.StatusOK, `{"access_token":"a.b.c","token_type":"bearer","expires_in":3600}`)(w, r)
			})
			c.Scopes = []string{"one", "two"}
			token, err := kafka.NewClientCredentials(c).Token(t.Context())
			if left := time.Until(token.Expires); err != nil || token.Value != "a.b.c" || left < 59*time.Minute || left > time.Hour {
				t.Errorf("%+v, %v", token, err)
			}
		})
	}
}

func TestATokenThatCannotBeHadIsExplainedWithoutTheSecret(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(says(http.StatusOK, `{"access_token":"stolen","expires_in":3600}`))
	t.Cleanup(elsewhere.Close)
	for name, c := range map[string]struct {
		answer  http.HandlerFunc
		failure kafka.Failure
		text    string
	}{
		"an unknown client": {says(http.StatusUnauthorized, `{"error":"invalid_client","error_description":"not `+secret+`"}`), kafka.FailureTokenRefused, `refuses the client "balsong" (invalid_client, HTTP 401)`},
		"an unknown scope":  {says(http.StatusBadRequest, `{"error":"invalid_scope"}`), kafka.FailureTokenRefused, "invalid_scope, HTTP 400"},
		"a refusal in 200":  {says(http.StatusOK, `{"error":"invalid_client"}`), kafka.FailureTokenRefused, "invalid_client, HTTP 200"},
		"a code of its own": {says(http.StatusForbidden, `{"error":"`+secret+`"}`), kafka.FailureTokenRefused, "(HTTP 403)"},
		"another path":      {http.NotFound, kafka.FailureTokenRefused, "HTTP 404"},
		"a redirect":        {http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect).ServeHTTP, kafka.FailureTokenRefused, "HTTP 307"},
		"too many":          {says(http.StatusTooManyRequests, `{}`), kafka.FailureTokenUnavailable, "HTTP 429"},
		"maintenance":       {says(http.StatusServiceUnavailable, `<html>`+secret), kafka.FailureTokenUnavailable, "HTTP 503"},
		"a page of a proxy": {says(http.StatusOK, `<html>`+secret), kafka.FailureTokenUnavailable, "holds no token"},
		"no token":          {says(http.StatusOK, `{"expires_in":1}`), kafka.FailureTokenUnavailable, "holds no token"},
		"silence":           {silent, kafka.FailureTokenUnavailable, "deadline exceeded"},
		"a broken line":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kafka.FailureTokenUnavailable, "cannot be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			credentials := endpoint(t, c.answer)
			if name == "silence" {
				credentials.Timeout = 50 * time.Millisecond
			}
			_, err := kafka.NewClientCredentials(credentials).Token(t.Context())
			if kafka.FailureOf(err) != c.failure || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %v, want %s with %q", kafka.FailureOf(err), err, c.failure, c.text)
			}
			for _, hidden := range []string{"hunter", "tenant"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("the error shows %q: %v", hidden, err)
				}
			}
		})
	}
}

func TestTheTokenEndpointMayHaveACAOfItsOwn(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(says(http.StatusOK, `{"access_token":"a","expires_in":3600}`))
	certificate, trusting := porttest.Certificate()
	server.TLS = certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	credentials := kafka.ClientCredentials{TokenURL: server.URL, ClientID: "balsong", ClientSecret: secret}
	if _, err := kafka.NewClientCredentials(credentials).Token(t.Context()); kafka.FailureOf(err) != kafka.FailureTokenTrust {
		t.Errorf("without the CA: %v", err)
	}
	credentials.TLS = trusting
	if _, err := kafka.NewClientCredentials(credentials).Token(t.Context()); err != nil {
		t.Errorf("with the CA: %v", err)
	}
}

// probed is the test of a broker that Describe asks whether it speaks TLS, which a simulated broker cannot decode.
type probed struct{ *testing.T }

func (p probed) Error(args ...any) {
	p.Helper()
	if text := fmt.Sprint(args...); !strings.Contains(text, "error decoding packet") {
		p.T.Error(text)
	}
}

// offering runs a broker that answers so when it is told the mechanism of the login, and accepts every login.
func offering(t *testing.T, answer sarama.KError) kafka.Cluster {
	t.Helper()
	broker := sarama.NewMockBroker(probed{t}, 1)
	t.Cleanup(broker.Close)
	broker.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest": sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{
			{ApiKey: 3, MaxVersion: 7}, {ApiKey: 17, MaxVersion: 1}, {ApiKey: 18, MaxVersion: 3}, {ApiKey: 36, MaxVersion: 1}, // metadata, handshake, versions, authenticate
		}),
		"SaslHandshakeRequest":    sarama.NewMockWrapper(&sarama.SaslHandshakeResponse{Err: answer}),
		"SaslAuthenticateRequest": sarama.NewMockSaslAuthenticateResponse(t),
		"MetadataRequest":         sarama.NewMockMetadataResponse(t).SetBroker(broker.Addr(), broker.BrokerID()).SetController(broker.BrokerID()),
	})
	return kafka.Cluster{Brokers: []string{broker.Addr()}}
}

func TestATokenThatCouldAddToWhatTheBrokerReadsIsNotSent(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"a\\u0001auth=Bearer b", "a b", "", "ä"} {
		c := offering(t, sarama.ErrNoError)
		c.SASL = kafka.SASL{Mechanism: kafka.OAuthBearer, Tokens: kafka.NewClientCredentials(endpoint(t, says(http.StatusOK, `{"access_token":"`+token+`","expires_in":60}`)))}
		_, err := kafka.Describe(within(t, 10*time.Second), c)
		if kafka.FailureOf(err) != kafka.FailureTokenUnavailable {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestABrokerThatOffersAnotherMechanismIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	c := offering(t, sarama.ErrUnsupportedSASLMechanism)
	c.SASL = kafka.SASL{Mechanism: kafka.ScramSHA256, User: "balsong", Password: secret}
	if _, err := kafka.Describe(within(t, 10*time.Second), c); kafka.FailureOf(err) != kafka.FailureSASL {
		t.Errorf("%s: %v", kafka.FailureOf(err), err)
	}
}

func TestALoginByTokensIsCompleteOrRefused(t *testing.T) {
	t.Parallel()
	tokens := kafka.NewClientCredentials(kafka.ClientCredentials{})
	for field, sasl := range map[string]kafka.SASL{
		"SASL.Tokens": {Mechanism: kafka.OAuthBearer},
		"SASL.User":   {Mechanism: kafka.OAuthBearer, Tokens: tokens, User: "u", Password: "p"},
	} {
		c := nowhere()
		c.SASL = sasl
		if _, err := kafka.NewPublisher(c, &memory.Log{}, &memory.Metrics{}); !errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
}
