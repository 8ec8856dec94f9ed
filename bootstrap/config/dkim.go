package config

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
)

// DKIM is how e-mail is signed before it goes to the relay (RFC 6376).
type DKIM struct {
	Key      SigningKey `env:"KEY" secret:"true" help:"private key in PEM form, RSA (2048 bits) or Ed25519, that signs each e-mail by DKIM; without it none is signed here"`
	Selector string     `env:"SELECTOR" help:"name under which DNS has the public key: SELECTOR._domainkey.DOMAIN"`
	Domain   string     `env:"DOMAIN" help:"domain that signs; without it that of From"`
}

// SigningKey is a private key in PEM form.
type SigningKey string

// The reasons why a key is refused. None shows a part of it.
var (
	errNoKey   = errors.New("no private key in PEM form (want file:/path, or the text that begins with -----BEGIN PRIVATE KEY-----)")
	errKeyKind = errors.New("the key is neither RSA nor Ed25519")
	errKeySize = errors.New("the RSA key has less than 1024 bits, which receivers do not accept (RFC 8301); take 2048")
)

// Signer returns the key; nil where there is none.
func (k SigningKey) Signer() (crypto.Signer, error) {
	if k == "" {
		return nil, nil //nolint:nilnil // no key is no error
	}
	block, _ := pem.Decode([]byte(k))
	if block == nil {
		return nil, errNoKey
	}
	read, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if read, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			return nil, errNoKey
		}
	}
	switch key := read.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() < 1024 {
			return nil, errKeySize
		}
		return key, nil
	case ed25519.PrivateKey:
		return key, nil
	default:
		return nil, errKeyKind
	}
}

// domainName is the form of a domain, and of a selector, which may have several labels.
var domainName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)

// Signs returns the domain that signs what comes from an address.
func (d DKIM) Signs(from string) string {
	if d.Domain != "" {
		return strings.ToLower(d.Domain)
	}
	return domainOf(from)
}

// domainOf is an address's domain in lower case; "" where it is none.
func domainOf(address string) string {
	parsed, err := mail.ParseAddress(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(parsed.Address[strings.LastIndexByte(parsed.Address, '@')+1:])
}

// check refuses a signature that is not complete, or that says nothing for the address of From: receivers compare the domain
// that signs with From's (DMARC, RFC 7489, 3.1).
func (d DKIM) check(senders ...string) error {
	if d.Key == "" {
		if d.Selector != "" || d.Domain != "" {
			return errors.New("BALSONG_SMTP_DKIM_SELECTOR or _DOMAIN is set, and BALSONG_SMTP_DKIM_KEY is not: set it, or take them away")
		}
		return nil
	}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if _, err := d.Key.Signer(); err != nil {
		wrong("BALSONG_SMTP_DKIM_KEY: %w", err)
	}
	if len(d.Selector) > 63 || !domainName.MatchString(d.Selector) {
		wrong("BALSONG_SMTP_DKIM_SELECTOR is %q (want the name under which DNS has the key, as in balsong1)", d.Selector)
	}
	if d.Domain != "" && !domainName.MatchString(d.Domain) {
		wrong("BALSONG_SMTP_DKIM_DOMAIN is %q (want a domain, as in example.com)", d.Domain)
		return errors.Join(problems...)
	}
	signs := d.Signs(senders[0])
	for _, sender := range senders {
		if from := domainOf(sender); from != "" && !within(from, signs) && !within(signs, from) {
			wrong("BALSONG_SMTP_DKIM_DOMAIN is %s, and mail comes from %s: receivers check the signature of a domain that From belongs to", signs, from)
		}
	}
	return errors.Join(problems...)
}

// within reports whether a domain is another one or lies below it.
func within(domain, other string) bool {
	return domain == other || strings.HasSuffix(domain, "."+other)
}
