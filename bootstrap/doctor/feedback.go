package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
)

// nearEnd is how long before its end a certificate is to be renewed, as the alarm CertificateEndsIn21Days has it.
const nearEnd = 21 * 24 * time.Hour

// received looks at where providers say what became of messages: the certificate that they are shown, and whether those that
// report by webhooks are believed.
func received(c config.Feedback, gateways *config.Gateways, clock port.Clock) []Finding {
	p := component{name: "feedback"}
	if c.CertFile != "" && c.KeyFile != "" {
		p.certificate(c.CertFile, c.KeyFile, clock.Now())
	}
	if c.Addr == "" || gateways == nil {
		return p.list
	}
	for _, silent := range core.WithoutWebhooks(*gateways) {
		p.checked = silent.Variable
		p.add(Advice, "it is not set: webhooks of "+silent.Account+" are not taken, and what became of its messages is known later, where it can be asked, or never",
			"set it, and register the address of the webhooks at the provider (docs/providers/README.md)")
	}
	return p.list
}

// certificate looks at the files of a certificate and its key as the feedback service reads them, and makes one finding.
func (p *component) certificate(certFile, keyFile string, now time.Time) {
	const certVariable, keyVariable = "BALSONG_FEEDBACK_CERT_FILE", "BALSONG_FEEDBACK_KEY_FILE"
	chain, is := p.readFile(certVariable, certFile)
	if !is {
		return
	}
	key, is := p.readFile(keyVariable, keyFile)
	if !is {
		return
	}
	p.checked = certVariable
	own, err := firstCertificate(chain)
	if err != nil {
		p.add(Problem, "the file has no certificate in PEM form", "let it have PEM certificates, the server's own first; the key stands in the file of "+keyVariable)
		return
	}
	if _, err := tls.X509KeyPair(chain, key); err != nil {
		p.checked = keyVariable
		p.add(Problem, "it is not the key of the certificate: "+err.Error(), "let it be the key, in PEM form and without a passphrase, of the first certificate in the file of "+certVariable)
		return
	}
	const renew = "renew it, and replace both files: the service reads them again without a restart"
	switch ends := own.NotAfter.UTC().Format(time.RFC3339); {
	case now.After(own.NotAfter):
		p.add(Problem, "the certificate has ended at "+ends+": providers refuse the connection", renew)
	case now.Before(own.NotBefore):
		p.add(Problem, "the certificate is not valid before "+own.NotBefore.UTC().Format(time.RFC3339), "check this machine's clock, or take a certificate that is valid now")
	case !now.Add(nearEnd).Before(own.NotAfter):
		p.add(Advice, "the certificate ends at "+ends, renew)
	default:
		p.add(OK, "certificate and key belong together, until "+ends, "")
	}
}

// readFile reads the file that a variable names. The value is not shown: it may be what should be in the file.
func (p *component) readFile(variable, path string) (content []byte, is bool) {
	p.checked = variable
	if strings.ContainsAny(path, "\r\n") || strings.Contains(path, "-----BEGIN") {
		p.add(Problem, "it is a text in PEM form, and no path", "set it to the path of the file, without file: before it")
		return nil, false
	}
	content, err := os.ReadFile(path)
	if err == nil {
		return content, true
	}
	if of, is := errors.AsType[*fs.PathError](err); is {
		err = of.Err
	}
	p.add(Problem, "the file cannot be read: "+err.Error(), "correct the path, and let the file be readable for the user that runs the service")
	return nil, false
}

// firstCertificate returns the first of a file's certificates, the server's own.
func firstCertificate(content []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(content)
		switch {
		case block == nil:
			return nil, errors.New("no certificate")
		case block.Type == "CERTIFICATE":
			return x509.ParseCertificate(block.Bytes)
		}
		content = rest
	}
}
