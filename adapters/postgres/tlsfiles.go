package postgres

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/lib/pq"
)

// CheckURL reports what is wrong with a database URL that waiting does not correct: its form, its sslmode, and the files of certificates
// that it names. ErrConfig; of the URL the error holds at most the names of these files.
func CheckURL(url string) error {
	_, err := parse(url)
	return err
}

// checkTLSFiles reads the files of certificates that a URL names. The driver reads them with each connection, takes one that is
// missing for an outage, and with sslmode=require goes without it.
func checkTLSFiles(settings pq.Config) error {
	if settings.SSLMode == pq.SSLModeDisable || settings.SSLMode == pq.SSLModeAllow {
		return nil
	}
	root, err := tlsFile("sslrootcert", settings.SSLRootCert, settings.SSLInline || settings.SSLRootCert == "system")
	if err != nil {
		return err
	}
	if settings.SSLRootCert != "" && settings.SSLRootCert != "system" && !x509.NewCertPool().AppendCertsFromPEM(root) {
		return badTLSFile("sslrootcert", settings, settings.SSLRootCert, "has no certificate in PEM form")
	}
	cert, err := tlsFile("sslcert", settings.SSLCert, settings.SSLInline)
	if err != nil {
		return err
	}
	secret, err := tlsFile("sslkey", settings.SSLKey, settings.SSLInline)
	if err != nil {
		return err
	}
	if settings.SSLCert == "" || settings.SSLKey == "" {
		return nil
	}
	if _, err := tls.X509KeyPair(cert, secret); err != nil {
		return badTLSFile("sslcert", settings, settings.SSLCert, "and sslkey are no certificate and its key in PEM form")
	}
	if info, err := os.Stat(settings.SSLKey); err == nil && !settings.SSLInline && tooOpen(info) {
		return badTLSFile("sslkey", settings, settings.SSLKey, "may be read by others (chmod 600)")
	}
	return nil
}

// registered begins the driver's sslmode of settings that were registered, here always those of verify-full.
const registered = "pqgo-"

// registerCA makes a CA that stands in the URL itself (sslinline=true) usable: the driver takes one only together with a client's certificate. It knows
// such a configuration by a name, here that of its content, for the whole process.
func registerCA(settings *pq.Config) error {
	if !settings.SSLInline || settings.SSLRootCert == "" || settings.SSLCert != "" || settings.SSLKey != "" {
		return nil
	}
	if settings.SSLMode != pq.SSLModeVerifyFull {
		return fmt.Errorf("%w: with sslinline and without sslcert, sslmode must be verify-full", ErrConfig)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(settings.SSLRootCert)) // checkTLSFiles saw that there is one
	name := fmt.Sprintf("%x", sha256.Sum256([]byte(settings.SSLRootCert)))
	if err := pq.RegisterTLSConfig(name, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}); err != nil {
		return fmt.Errorf("%w: the driver refuses its certificates", ErrConfig)
	}
	settings.SSLMode, settings.SSLRootCert, settings.SSLInline = pq.SSLMode(registered+name), "", false
	return nil
}

// tlsFile reads a file that a URL names; the value itself where it is no file.
func tlsFile(name, value string, inline bool) ([]byte, error) {
	if value == "" || inline {
		return []byte(value), nil
	}
	if strings.ContainsAny(value, "\r\n") || strings.Contains(value, "-----BEGIN") {
		return nil, fmt.Errorf("%w: %s in it is the text of a certificate or key: want the path of a file", ErrConfig, name)
	}
	content, err := os.ReadFile(value)
	if err != nil {
		cause := err.Error() // not wrapped: a command that was asked for something that is missing is another thing
		if path, is := errors.AsType[*fs.PathError](err); is {
			cause = path.Err.Error()
		}
		return nil, fmt.Errorf("%w: %s %s cannot be read: %s", ErrConfig, name, value, cause)
	}
	return content, nil
}

func badTLSFile(name string, settings pq.Config, value, wrong string) error {
	if settings.SSLInline {
		value = "(sslinline)"
	}
	return fmt.Errorf("%w: %s %s %s", ErrConfig, name, value, wrong)
}
