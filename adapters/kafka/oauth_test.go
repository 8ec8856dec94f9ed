package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/adapters/kafka"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
)

const secret = "hunter+2 &=%/"

// fixed is a source with one token.
type fixed string

// Token implements kafka.TokenSource.
func (f fixed) Token(context.Context) (kafka.Token, error) {
	return kafka.Token{Value: string(f), Expires: time.Now().Add(time.Minute)}, nil
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
	for _, token := range []string{"a\u0001auth=Bearer b", "a b", "", "ä"} {
		c := offering(t, sarama.ErrNoError)
		c.SASL = kafka.SASL{Mechanism: kafka.OAuthBearer, Tokens: fixed(token)}
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
	tokens := fixed("a.b.c")
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
