package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// CA is a bundle of certificates in PEM form: who may sign a server's certificate, beside the system's roots.
type CA string

// errNoCertificate says what is wrong with a bundle that has no certificate.
var errNoCertificate = errors.New("no certificate in PEM form (want file:/path, or the text that begins with -----BEGIN CERTIFICATE-----)")

func (c CA) validate() error {
	if c != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(c)) {
		return errNoCertificate
	}
	return nil
}

// TLS returns the settings of a client that trusts the bundle; nil where there is none, for the settings that are usual.
func (c CA) TLS() *tls.Config {
	if c == "" {
		return nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	roots.AppendCertsFromPEM([]byte(c))
	return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
