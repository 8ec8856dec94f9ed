package images

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// certificateModule is the module that certificates come from.
const certificateModule = "golang.org/x/crypto/x509roots/fallback"

// certificates are Mozilla's roots for TLS servers, in PEM form, from a module of the Go project whose version and checksum are
// in go.mod and go.sum: what is on the machine that builds plays no part. Roots that Mozilla trusts only for what they signed
// before a date are left out, because a PEM file cannot say so.
func certificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		certificate, err := x509.ParseCertificate(root.Certificate)
		if err != nil {
			return nil, fmt.Errorf("root certificate: %w", err)
		}
		fmt.Fprintf(&out, "# %s\n", certificate.Subject)
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}
