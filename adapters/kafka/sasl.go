package kafka

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// SASL is the login. Without a user there is none, unless the mechanism is OAuthBearer.
type SASL struct {
	Mechanism      Mechanism // default SCRAM-SHA-512
	User, Password string
	Tokens         TokenSource       // for OAuthBearer
	Extensions     map[string]string // for OAuthBearer: what the brokers ask for beside the token
}

// Mechanism is how a client proves who it is.
type Mechanism string

// The mechanisms. Plain sends the password itself, and OAuthBearer the token: use TLS with them.
const (
	ScramSHA512 Mechanism = sarama.SASLTypeSCRAMSHA512
	ScramSHA256 Mechanism = sarama.SASLTypeSCRAMSHA256
	Plain       Mechanism = sarama.SASLTypePlaintext
	OAuthBearer Mechanism = sarama.SASLTypeOAuth
)

func (s SASL) validate() error {
	switch {
	case !slices.Contains([]Mechanism{"", ScramSHA512, ScramSHA256, Plain, OAuthBearer}, s.Mechanism):
		return invalid("SASL.Mechanism %q: want %s, %s, %s or %s", s.Mechanism, ScramSHA512, ScramSHA256, Plain, OAuthBearer)
	case s.Mechanism == OAuthBearer && s.Tokens == nil:
		return invalid("SASL.Tokens is empty: %s needs tokens", OAuthBearer)
	case s.Mechanism == OAuthBearer && s.User != "":
		return invalid("SASL.User is for a login with a password: take it away with %s", OAuthBearer)
	case s.User == "" && s.Password != "":
		return invalid("SASL.Password without SASL.User: set both, or neither")
	case s.User != "" && s.Password == "":
		return invalid("SASL.Password of the user %q is empty", s.User)
	}
	return nil
}

// apply adds the login to the settings of a client, which asks for no more tokens when the context ends.
func (s SASL) apply(ctx context.Context, to *sarama.Config) {
	if s.User == "" && s.Mechanism != OAuthBearer {
		return
	}
	to.Net.SASL.Enable = true
	to.Net.SASL.Mechanism = sarama.SASLMechanism(cmp.Or(s.Mechanism, ScramSHA512))
	to.Net.SASL.User = s.User
	to.Net.SASL.Password = s.Password
	if s.Mechanism == OAuthBearer {
		to.Net.SASL.TokenProvider = tokenProvider{s.Tokens, s.Extensions, ctx}
		return
	}
	generator := scram.SHA512
	if s.Mechanism == ScramSHA256 {
		generator = scram.SHA256
	}
	to.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: generator} }
}

// scramClient is one SCRAM conversation (RFC 5802) for sarama.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

// Begin implements sarama.SCRAMClient: it starts the conversation.
func (s *scramClient) Begin(user, password, authorization string) error {
	client, err := s.hash.NewClient(user, password, authorization)
	if err != nil {
		return fmt.Errorf("prepare SCRAM for the user %q: %w", user, err)
	}
	s.conversation = client.NewConversation()
	return nil
}

// Step implements sarama.SCRAMClient: it answers one challenge.
func (s *scramClient) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }

// Done implements sarama.SCRAMClient: it reports whether the conversation is over.
func (s *scramClient) Done() bool { return s.conversation.Done() }
