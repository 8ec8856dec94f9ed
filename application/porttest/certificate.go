package porttest

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
)

// Certificate returns the TLS settings of a server on 127.0.0.1 and of a client that trusts it.
func Certificate() (server, client *tls.Config) {
	donor := httptest.NewUnstartedServer(nil)
	donor.StartTLS()
	defer donor.Close()
	roots := x509.NewCertPool()
	roots.AddCert(donor.Certificate())
	return &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}
