package smtp

import (
	"bytes"
	"crypto"
	"fmt"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/balsong/balsong/adapters/gateway"
)

// DKIM is how mail is signed (RFC 6376): relaxed/relaxed, SHA-256.
type DKIM struct {
	Domain   string
	Selector string
	Key      crypto.Signer // RSA or Ed25519
}

// signature signs messages.
type signature struct {
	options dkim.SignOptions
	always  []string // headers that are signed whether they are there or not
}

// The headers that are signed. Each is named once more than it is there, so that none can be added without breaking the
// signature. Those of the second list are left to the relay where we write none: many add their own.
var (
	signedAlways  = []string{"From", "To", "Cc", "Subject", "Reply-To", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
	signedTimes   = []string{"Date", "Message-ID"}
	signedPresent = []string{"List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID", "Auto-Submitted", "X-Idempotency-Key"}
)

// newSignature checks the settings by signing.
func (d *DKIM) newSignature(provider, host string) (*signature, error) {
	if d == nil {
		return nil, nil //nolint:nilnil // mail is not signed
	}
	s := &signature{always: signedAlways, options: dkim.SignOptions{
		Domain: d.Domain, Selector: d.Selector, Signer: d.Key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	}}
	// SES writes both anew (docs.aws.amazon.com/ses/latest/dg/send-email-authentication-dkim-manual.html).
	if !strings.HasSuffix(strings.ToLower(host), ".amazonaws.com") {
		s.always = append(s.always[:len(s.always):len(s.always)], signedTimes...)
	}
	if _, err := s.sign([]byte("From: a@example.com\r\n\r\n")); err != nil {
		return nil, gateway.ConfigError(provider, "DKIM", "%s", err)
	}
	return s, nil
}

// sign returns a message with its signature in front.
func (s *signature) sign(message []byte) ([]byte, error) {
	options := s.options
	options.HeaderKeys = s.headers(message)
	signer, err := dkim.NewSigner(&options)
	if err != nil {
		return nil, fmt.Errorf("DKIM: %w", err)
	}
	_, _ = signer.Write(message) // Close says what went wrong
	if err := signer.Close(); err != nil {
		return nil, fmt.Errorf("DKIM: %w", err)
	}
	header := signer.Signature()
	return append(append(make([]byte, 0, len(header)+len(message)), header...), message...), nil
}

// headers lists the names of the headers that are signed.
func (s *signature) headers(message []byte) []string {
	head, _, _ := bytes.Cut(message, []byte("\r\n\r\n"))
	isThere := func(name string) bool {
		return bytes.HasPrefix(head, []byte(name+":")) || bytes.Contains(head, []byte("\n"+name+":"))
	}
	names := make([]string, 0, 2*(len(s.always)+len(signedPresent)))
	for _, name := range s.always {
		if names = append(names, name); isThere(name) {
			names = append(names, name)
		}
	}
	for _, name := range signedPresent {
		if isThere(name) {
			names = append(names, name, name)
		}
	}
	return names
}
