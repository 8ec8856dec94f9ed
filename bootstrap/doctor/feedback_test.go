package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/bootstrap/config"
)

// at is a clock that stands still.
type at time.Time

func (a at) Now() time.Time                       { return time.Time(a) }
func (a at) After(time.Duration) <-chan time.Time { return nil }

const certificates, privateKey = "BALSONG_FEEDBACK_CERT_FILE", "BALSONG_FEEDBACK_KEY_FILE"

// pemOf returns a certificate and its key as files have them.
func pemOf(t *testing.T, c *tls.Certificate) (certificate, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestTheCertificateThatProvidersAreShownIsLookedAt(t *testing.T) {
	t.Parallel()
	ends := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	certificate, key := pemOf(t, porttest.CertificateUntil(t, ends))
	_, foreign := pemOf(t, porttest.CertificateUntil(t, ends.Add(time.Hour)))
	chain := certificate + func() string {
		older, _ := pemOf(t, porttest.CertificateUntil(t, ends.AddDate(-2, 0, 0)))
		return older
	}()
	const day = 24 * time.Hour
	long := ends.Add(-22 * day)
	for name, c := range map[string]struct {
		certificate, key string // "": there is no such file
		now              time.Time
		checked          string
		level            Level
		found, do        string
	}{
		"sound":                        {certificate, key, long, certificates, OK, "2026-11-30", ""},
		"an old one behind it":         {chain, key, long, certificates, OK, "2026-11-30", ""},
		"ends in 21 days":              {certificate, key, ends.Add(-21 * day), certificates, Advice, "2026-11-30", "renew it"},
		"ends now":                     {certificate, key, ends, certificates, Advice, "2026-11-30", "renew it"},
		"has ended":                    {certificate, key, ends.Add(time.Second), certificates, Problem, "has ended", "renew it"},
		"is of later":                  {certificate, key, ends.AddDate(-1, 0, -1), certificates, Problem, "not valid before", "clock"},
		"no certificate":               {"", key, long, certificates, Problem, "no such file", "readable"},
		"no key":                       {certificate, "", long, privateKey, Problem, "no such file", "readable"},
		"the files are confused":       {key, certificate, long, certificates, Problem, "no certificate in PEM form", "PEM"},
		"a certificate cut off":        {"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", key, long, certificates, Problem, "no certificate in PEM form", "PEM"},
		"another certificate's key":    {certificate, foreign, long, privateKey, Problem, "does not match", "passphrase"},
		"a key that cannot be read":    {certificate, "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n", long, privateKey, Problem, "private key", "passphrase"},
		"the key before it":            {key + certificate, key, long, certificates, OK, "2026-11-30", ""},
		"a certificate that has a key": {certificate + key, key, long, certificates, OK, "2026-11-30", ""},
	} {
		dir := t.TempDir()
		files := config.Feedback{Addr: ":8443", CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
		for path, content := range map[string]string{files.CertFile: c.certificate, files.KeyFile: c.key} {
			if err := os.WriteFile(path, []byte(content), 0o600); content != "" && err != nil {
				t.Fatal(err)
			} else if content == "" {
				_ = os.Remove(path)
			}
		}
		found := received(files, nil, at(c.now))
		if len(found) != 1 || strings.Contains(found[0].Found+found[0].Do, dir) || found[0].Level != c.level || found[0].Checked != c.checked || !strings.Contains(found[0].Found, c.found) || !strings.Contains(found[0].Do, c.do) || (c.do == "") != (found[0].Do == "") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

// Any value may be a reference (file:/path), which is replaced by what it refers to.
func TestAKeyInThePlaceOfItsFilesNameIsNotShown(t *testing.T) {
	t.Parallel()
	certificate, key := pemOf(t, porttest.CertificateUntil(t, time.Now().AddDate(1, 0, 0)))
	path := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(path, []byte(certificate), 0o600); err != nil {
		t.Fatal(err)
	}
	found := received(config.Feedback{Addr: ":8443", CertFile: path, KeyFile: key}, nil, at(time.Now()))
	if len(found) != 1 || found[0].Level != Problem || found[0].Checked != privateKey || !strings.Contains(found[0].Do, "without file:") {
		t.Errorf("%+v", found)
	}
	for line := range strings.Lines(key) {
		if strings.Contains(found[0].Found+found[0].Do, strings.TrimSpace(line)) {
			t.Error("the finding shows the key")
		}
	}
}

func TestAProviderWhoseWebhooksAreNotTakenIsAdvice(t *testing.T) {
	t.Parallel()
	const secret = "hunter2hunter2hunter2hunter2hunter2"
	nhn, takes := config.Gateways{NHN: config.NHN{AppKey: "key"}}, config.Feedback{Addr: ":8443"}
	for name, c := range map[string]struct {
		feedback config.Feedback
		gateways *config.Gateways
		variable string // "": nothing is said
	}{
		"nhn":             {takes, &nhn, "BALSONG_NHN_WEBHOOK_SECRET"},
		"alimtalk/nhn":    {takes, &config.Gateways{NHNAlimTalk: config.NHNAlimTalk{AppKey: "key"}}, "BALSONG_NHN_ALIMTALK_WEBHOOK_SECRET"},
		"solapi":          {takes, &config.Gateways{SOLAPI: config.SOLAPI{Key: "key"}}, "BALSONG_SOLAPI_WEBHOOK_SECRET"},
		"alimtalk/solapi": {takes, &config.Gateways{SOLAPIAlimTalk: config.SOLAPIAlimTalk{Key: "key"}}, "BALSONG_SOLAPI_ALIMTALK_WEBHOOK_SECRET"},
		"twilio":          {takes, &config.Gateways{Twilio: config.Twilio{Account: "AC"}}, "BALSONG_TWILIO_STATUS_URL"},
		"set":             {takes, &config.Gateways{NHN: config.NHN{AppKey: "key", Signature: secret}}, ""},
		"by a queue":      {takes, &config.Gateways{SES: config.SES{From: "bills@example.com"}}, ""},
		"no webhooks":     {config.Feedback{LMTPAddr: ":24"}, &nhn, ""},
		"no gateways":     {takes, nil, ""},
		"reports nothing": {takes, &config.Gateways{SMS: config.HTTPGateway{URL: "https://sms.example.com"}}, ""},
	} {
		found := received(c.feedback, c.gateways, at(time.Now()))
		if (len(found) == 0) != (c.variable == "") || len(found) > 1 || len(found) == 1 && (found[0].Level != Advice || found[0].Checked != c.variable || found[0].Do == "") {
			t.Errorf("%s: %+v", name, found)
		}
	}
}
