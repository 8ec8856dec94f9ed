package config_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

func pemOf(t *testing.T, key any) string {
	t.Helper()
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))
}

func TestWhatAMailSaysAboutItselfIsSetAsAWholeOrRefused(t *testing.T) {
	long := strings.Repeat("hunter2-", 4)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curveKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	old := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}))
	relay := func(more map[string]string) map[string]string {
		set := map[string]string{"BALSONG_SMTP_ADDR": "relay:587", "BALSONG_SMTP_FROM": "Bills <bills@mail.example.com>"}
		maps.Copy(set, more)
		return set
	}
	envelope := func(form, secrets string) map[string]string {
		return relay(map[string]string{"BALSONG_SMTP_ENVELOPE_FROM": form, "BALSONG_REFERENCE_SECRETS": secrets})
	}
	dkim := func(key, selector, domain string) map[string]string {
		return relay(map[string]string{"BALSONG_SMTP_DKIM_KEY": key, "BALSONG_SMTP_DKIM_SELECTOR": selector, "BALSONG_SMTP_DKIM_DOMAIN": domain})
	}
	for name, c := range map[string]struct {
		set     map[string]string
		refused string // "": accepted
	}{
		"bounces with a key":       {envelope("bounces+{key}@example.com", long), ""},
		"two secrets":              {envelope("{key}@bounces.example.com", long+","+strings.ToUpper(long)), ""},
		"no secret":                {envelope("bounces+{key}@example.com", ""), "BALSONG_REFERENCE_SECRETS"},
		"a short secret":           {envelope("bounces+{key}@example.com", long+",hunter2"), "BALSONG_REFERENCE_SECRETS"},
		"a key behind the @":       {envelope("bounces@{key}.example.com", long), "BALSONG_SMTP_ENVELOPE_FROM"},
		"a local part too long":    {envelope(strings.Repeat("b", 25)+"{key}@example.com", long), "65 octets"},
		"signed by RSA":            {dkim(pemOf(t, rsaKey), "balsong1", ""), ""},
		"signed by an old PEM":     {dkim(old, "a.b", "example.com"), ""},
		"signed by Ed25519":        {dkim(pemOf(t, edKey), "balsong1", "EXAMPLE.com"), ""},
		"below From":               {dkim(pemOf(t, edKey), "balsong1", "x.mail.example.com"), ""},
		"another kind of key":      {dkim(pemOf(t, curveKey), "balsong1", ""), "neither RSA nor Ed25519"},
		"no key":                   {dkim("hunter2", "balsong1", ""), "BALSONG_SMTP_DKIM_KEY: no private key"},
		"no selector":              {dkim(pemOf(t, edKey), "", ""), "BALSONG_SMTP_DKIM_SELECTOR"},
		"a selector of two fields": {dkim(pemOf(t, edKey), "a; d=b", ""), "BALSONG_SMTP_DKIM_SELECTOR"},
		"a selector without a key": {dkim("", "balsong1", ""), "BALSONG_SMTP_DKIM_KEY is not"},
		"no domain":                {dkim(pemOf(t, edKey), "balsong1", "a b"), "BALSONG_SMTP_DKIM_DOMAIN"},
		"another domain":           {dkim(pemOf(t, edKey), "balsong1", "example.net"), "mail comes from mail.example.com"},
		"another domain for advertising": {relay(map[string]string{
			"BALSONG_SMTP_DKIM_KEY": pemOf(t, edKey), "BALSONG_SMTP_DKIM_SELECTOR": "balsong1", "BALSONG_SMTP_ADVERTISING_FROM": "news@example.net",
		}), "mail comes from example.net"},
		"a token":                        {xoauth2(nil), ""},
		"a refresh token":                {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_REFRESH_TOKEN": "hunter2", "BALSONG_SMTP_OAUTH_CLIENT_SECRET": ""}), ""},
		"scopes of a refresh token":      {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_REFRESH_TOKEN": "hunter2", "BALSONG_SMTP_OAUTH_SCOPES": "x"}), "BALSONG_SMTP_OAUTH_SCOPES"},
		"no token endpoint":              {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_TOKEN_URL": ""}), "BALSONG_SMTP_OAUTH_TOKEN_URL is not set"},
		"no client":                      {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_CLIENT_ID": ""}), "BALSONG_SMTP_OAUTH_CLIENT_ID"},
		"no client of a refresh token":   {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_REFRESH_TOKEN": "hunter2", "BALSONG_SMTP_OAUTH_CLIENT_ID": ""}), "BALSONG_SMTP_OAUTH_CLIENT_ID"},
		"no secret of the client":        {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_CLIENT_SECRET": ""}), "BALSONG_SMTP_OAUTH_CLIENT_SECRET"},
		"no mailbox":                     {xoauth2(map[string]string{"BALSONG_SMTP_USER": ""}), "BALSONG_SMTP_USER is not set"},
		"a password too":                 {xoauth2(map[string]string{"BALSONG_SMTP_PASSWORD": "hunter2"}), "BALSONG_SMTP_PASSWORD is set"},
		"a token that nobody asks for":   {xoauth2(map[string]string{"BALSONG_SMTP_AUTH": ""}), "BALSONG_SMTP_AUTH is not XOAUTH2"},
		"another login":                  {xoauth2(map[string]string{"BALSONG_SMTP_AUTH": "CRAM-MD5"}), "want password or XOAUTH2"},
		"a token that goes in the clear": {xoauth2(map[string]string{"BALSONG_SMTP_TLS": "none"}), "BALSONG_SMTP_TLS is none"},
		"a client secret by http":        {xoauth2(map[string]string{"BALSONG_SMTP_OAUTH_TOKEN_URL": "http://idp.example.com/token"}), "BALSONG_SMTP_OAUTH_TOKEN_URL is http"},
	} {
		t.Run(name, func(t *testing.T) {
			environment(t, c.set)
			_, err := config.Load[config.Deliverer](t.Context())
			switch {
			case c.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.refused != "" && (!errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("%v, want %q", err, c.refused)
			case err != nil && strings.Contains(strings.ToLower(err.Error()), "hunter2"):
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}
