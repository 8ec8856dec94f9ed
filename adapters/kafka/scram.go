package kafka

import (
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/xdg-go/scram"
)

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
