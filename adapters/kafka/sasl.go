package kafka

import (
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// SASL is the login by SCRAM-SHA-512. Without a user there is none.
type SASL struct{ User, Password string }

func (s SASL) validate() error {
	switch {
	case s.User == "" && s.Password != "":
		return invalid("SASL.Password without SASL.User: set both, or neither")
	case s.User != "" && s.Password == "":
		return invalid("SASL.Password of the user %q is empty", s.User)
	}
	return nil
}

// apply adds the login to the settings of a client.
func (s SASL) apply(to *sarama.Config) {
	if s.User == "" {
		return
	}
	to.Net.SASL.Enable = true
	to.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA512
	to.Net.SASL.User = s.User
	to.Net.SASL.Password = s.Password
	to.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{} }
}

// scramClient is one SCRAM-SHA-512 conversation (RFC 5802) for sarama.
type scramClient struct{ conversation *scram.ClientConversation }

// Begin implements sarama.SCRAMClient: it starts the conversation.
func (s *scramClient) Begin(user, password, authorization string) error {
	hash := scram.HashGeneratorFcn(func() hash.Hash { return sha512.New() })
	client, err := hash.NewClient(user, password, authorization)
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
