package doctor

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/oauth"
	"github.com/balsong/balsong/bootstrap/config"
)

func TestTheKeyThatSignsIsComparedWithTheOneThatReceiversFind(t *testing.T) {
	t.Parallel()
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := config.SMTP{From: "Bills <bills@balsong.dev>", DKIM: config.DKIM{
		Key: config.SigningKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})), Selector: "balsong1",
	}}
	ours := base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	for name, test := range map[string]struct {
		dns   records
		found string // "": nothing is said
	}{
		"the same":          {records{txt: []string{"v=DKIM1; k=ed25519; p=" + ours}}, ""},
		"with white space":  {records{txt: []string{"v=DKIM1;k=ed25519; p = " + ours[:20] + " " + ours[20:]}}, ""},
		"one of several":    {records{txt: []string{"some text", "v=DKIM1; p=" + ours}}, ""},
		"none":              {records{}, "DNS has no DKIM key at balsong1._domainkey.balsong.dev"},
		"another":           {records{txt: []string{"v=DKIM1; p=AAAA"}}, "DNS has another DKIM key"},
		"taken back":        {records{txt: []string{"v=DKIM1; p="}}, "DNS has another DKIM key"},
		"no resolver":       {records{err: &net.DNSError{Err: "timeout", IsTimeout: true}}, ""},
		"no text that fits": {records{txt: []string{"p", "=", ";;", "p=*"}}, "DNS has another DKIM key"},
	} {
		var p component
		p.dkim(t.Context(), test.dns, c)
		said := ""
		for _, f := range p.list {
			said += f.Found
			if f.Level != Advice || !strings.Contains(f.Do, "k=ed25519; p="+ours) {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if !strings.Contains(said, test.found) || (test.found == "") != (said == "") {
			t.Errorf("%s: it says %q, want %q", name, said, test.found)
		}
	}
	var p component
	if p.dkim(t.Context(), records{}, config.SMTP{From: "bills@balsong.dev"}); len(p.list) != 0 {
		t.Errorf("mail that is not signed here: %+v", p.list)
	}
}

func TestAdviceAboutTokensGoesByWhoRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{&oauth.Error{Failure: oauth.Refused, Err: errors.New("refused")}, "_CLIENT_SECRET"},
		{&oauth.Error{Failure: oauth.Untrusted, Err: errors.New("untrusted")}, "BALSONG_SMTP_OAUTH_CA"},
		{&oauth.Error{Failure: oauth.Unavailable, Err: errors.New("down")}, "BALSONG_SMTP_OAUTH_TOKEN_URL"},
		{errors.New("AUTH: the server does not offer XOAUTH2"), "BALSONG_SMTP_AUTH=password"},
		{errors.New("AUTH XOAUTH2: 535 5.7.8 no (status 401)"), "BALSONG_SMTP_USER"},
	} {
		if advice := tokenAdvice(fmt.Errorf("the gateway cannot be called: %w", c.err)); !strings.Contains(advice, c.want) {
			t.Errorf("%v is answered with %q, want %q", c.err, advice, c.want)
		}
	}
	if advice := tokenAdvice(errors.New("MAIL FROM: 550 no")); advice != "" {
		t.Errorf("what is not about the token is answered with %q", advice)
	}
}
