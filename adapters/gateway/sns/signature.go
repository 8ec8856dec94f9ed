package sns

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // version 1 of SNS's signatures is by SHA-1
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/balsong/balsong/application/port"
)

// certificate is one that SNS signs with.
type certificate struct {
	key         *rsa.PublicKey
	from, until time.Time
}

const (
	maxFile   = 64 << 10 // bytes of a certificate's file, or of another answer of SNS
	minKey    = 2048     // bits
	maxKey    = 8192
	signature = "the signature"
)

// owner is the form of the names that SNS's certificates are made out to: sns.amazonaws.com.
var owner = regexp.MustCompile(`^sns[a-z0-9-]*(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?$`)

var (
	errSignature   = errors.New(signature + " is not that of Amazon SNS")
	errCertificate = errors.New("the file at its SigningCertURL is no certificate of Amazon SNS")
	errValidity    = errors.New("the certificate of " + signature + " has expired, or is not valid yet")
)

// verify checks the signature. ErrForged, ErrUnavailable.
func (t *Topic) verify(ctx context.Context, m *message, now time.Time) error {
	raw, err := base64.StdEncoding.DecodeString(m.Signature)
	if err != nil || len(raw) > maxKey/8 {
		return forged(errSignature)
	}
	var sum []byte
	var hash crypto.Hash
	switch m.SignatureVersion {
	case "1":
		digest := sha1.Sum(m.signed()) //nolint:gosec // see above
		sum, hash = digest[:], crypto.SHA1
	case "2":
		digest := sha256.Sum256(m.signed())
		sum, hash = digest[:], crypto.SHA256
	default:
		return forged(errors.New(signature + " has a version that is not known (1 and 2 are)"))
	}
	signer, err := t.certificate(ctx, m.SigningCertURL)
	if err != nil {
		return err
	}
	if now.Before(signer.from) || now.After(signer.until) {
		return forged(errValidity)
	}
	if rsa.VerifyPKCS1v15(signer.key, hash, sum, raw) != nil {
		return forged(errSignature)
	}
	return nil
}

// certificate returns the certificate at an address that certificateURL has let through. What proves that the file is SNS's is TLS
// with the host: the file has no chain to a root (ADR 0070).
func (t *Topic) certificate(ctx context.Context, address string) (*certificate, error) {
	if known := t.lookUp(address); known != nil {
		return known, nil
	}
	select {
	case t.fetches <- struct{}{}:
		defer func() { <-t.fetches }()
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many certificates are asked for: %w", port.ErrUnavailable, ctx.Err())
	}
	if known := t.lookUp(address); known != nil { // fetched by another request meanwhile
		return known, nil
	}
	status, file, err := t.get(ctx, address)
	switch {
	case err != nil:
		return nil, err
	case status/100 == 4 && status != http.StatusTooManyRequests:
		return nil, forged(errCertificate)
	case status != http.StatusOK:
		return nil, fmt.Errorf("%w: %s does not give its certificate now (HTTP %d)", port.ErrUnavailable, t.host, status)
	}
	found, err := parseCertificate(file)
	if err != nil {
		return nil, forged(err)
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.known) >= maxKnown {
		clear(t.known)
	}
	t.known[address] = found
	return found, nil
}

func (t *Topic) lookUp(address string) *certificate {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.known[address]
}

// parseCertificate reads a file that begins with a certificate of SNS. errCertificate.
func parseCertificate(file []byte) (*certificate, error) {
	block, _ := pem.Decode(file)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errCertificate
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, errCertificate
	}
	key, isRSA := parsed.PublicKey.(*rsa.PublicKey)
	ofSNS := owner.MatchString(parsed.Subject.CommonName)
	for _, name := range parsed.DNSNames {
		ofSNS = ofSNS || owner.MatchString(name)
	}
	if !isRSA || !ofSNS || key.N.BitLen() < minKey || key.N.BitLen() > maxKey {
		return nil, errCertificate
	}
	return &certificate{key: key, from: parsed.NotBefore, until: parsed.NotAfter}, nil
}

// get asks SNS and returns its answer's status and body. ErrUnavailable.
func (t *Topic) get(ctx context.Context, address string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %s", port.ErrUnavailable, t.host)
	}
	answer, err := t.http.Do(request)
	if err != nil {
		return 0, nil, t.unreachable(err)
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, maxFile)); err != nil {
		return 0, nil, t.unreachable(err)
	}
	return answer.StatusCode, body, nil
}

// unreachable says what happened, without the address, whose token is a secret.
func (t *Topic) unreachable(err error) error {
	cause := errors.Unwrap(err) // of *url.Error
	if cause == nil {
		cause = err
	}
	return fmt.Errorf("%w: %s cannot be reached: %w", port.ErrUnavailable, t.host, cause)
}
