// Package snstest posts requests as Amazon SNS does, to tests, signed with a certificate of its own that it serves as SNS does.
package snstest

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // version 1 of SNS's signatures is by SHA-1
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// Topic is the topic's ARN, Host is SNS's in its region, and CertificateURL where the certificate is.
const (
	Topic          = "arn:aws:sns:ap-northeast-2:123456789012:reports"
	Host           = "sns.ap-northeast-2.amazonaws.com"
	CertificateURL = "https://" + Host + "/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
)

// Now is when requests arrive.
var Now = time.Date(2026, time.November, 30, 9, 0, 0, 0, time.UTC)

// Service is Amazon SNS for one test. As an http.RoundTripper it answers what is asked of SNS.
type Service struct {
	key  *rsa.PrivateKey
	mu   sync.Mutex
	file []byte
	// Answer, if it is not nil, answers in place of SNS.
	Answer func(*http.Request) (status int, body string)
	asked  []string
}

// keys are made once: each takes a fraction of a second.
var keys = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// New returns a service whose certificate is made out to a name, and valid from a year before Now until a time after it.
func New(t testing.TB, name string, validFor time.Duration) *Service {
	t.Helper()
	s := &Service{key: keys()}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.Add(validFor),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &s.key.PublicKey, s.key)
	if err != nil {
		t.Fatal(err)
	}
	s.file = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	return s
}

// RoundTrip implements http.RoundTripper.
func (s *Service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	if len(s.asked) < maxAsked {
		s.asked = append(s.asked, r.URL.String())
	}
	s.mu.Unlock()
	status, body := http.StatusOK, "<ConfirmSubscriptionResponse/>"
	switch {
	case s.Answer != nil:
		status, body = s.Answer(r)
	case strings.HasSuffix(r.URL.Path, ".pem"):
		body = string(s.file)
	}
	return &http.Response{
		Status: strconv.Itoa(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// maxAsked bounds what is kept for Asked.
const maxAsked = 100

// Asked lists the URLs that were asked for.
func (s *Service) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// Certificate is the file that SNS serves.
func (s *Service) Certificate() string { return string(s.file) }

// Fields are what SNS posts.
type Fields map[string]string

// Notification are the fields of a publication.
func Notification(text string) Fields {
	return Fields{
		"Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": Topic, "Message": text,
		"Timestamp": Now.Add(-time.Second).Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "2", "SigningCertURL": CertificateURL,
		"UnsubscribeURL": "https://" + Host + "/?Action=Unsubscribe",
	}
}

// Confirmation are the fields with which SNS asks for the confirmation of a subscription.
func Confirmation() Fields {
	f := Notification("You have chosen to subscribe to the topic.\nTo confirm the subscription, visit the SubscribeURL included in this message.")
	f["Type"], f["Token"] = "SubscriptionConfirmation", "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92"
	f["SubscribeURL"] = "https://" + Host + "/?Action=ConfirmSubscription&TopicArn=" + Topic + "&Token=" + f["Token"]
	delete(f, "UnsubscribeURL")
	return f
}

// signed are the names that are signed, in their order, where they are there.
var signed = map[bool][]string{
	true:  {"Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"},
	false: {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"},
}

// Sign signs the fields.
func (s *Service) Sign(t testing.TB, f Fields) Fields {
	t.Helper()
	var text bytes.Buffer
	for _, name := range signed[f["Type"] == "Notification"] {
		if value, is := f[name]; is {
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	hash, sum := crypto.SHA256, sha256.Sum256(text.Bytes())
	digest := sum[:]
	if f["SignatureVersion"] == "1" {
		old := sha1.Sum(text.Bytes()) //nolint:gosec // see above
		hash, digest = crypto.SHA1, old[:]
	}
	made, err := rsa.SignPKCS1v15(rand.Reader, s.key, hash, digest)
	if err != nil {
		t.Fatal(err)
	}
	f["Signature"] = base64.StdEncoding.EncodeToString(made)
	return f
}

// Request is the request that posts the fields.
func Request(t testing.TB, f Fields) port.Webhook {
	t.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return port.Webhook{
		Method: http.MethodPost, URL: "https://reports.example.com/sns", Body: body, Arrived: Now,
		Header: map[string][]string{"X-Amz-Sns-Message-Type": {f["Type"]}, "Content-Type": {"text/plain; charset=UTF-8"}},
	}
}

// Post is the request that posts a publication, signed.
func (s *Service) Post(t testing.TB, text string) port.Webhook {
	t.Helper()
	return Request(t, s.Sign(t, Notification(text)))
}
