package doctor

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/balsong/balsong/bootstrap/config"
)

// dkim compares the key that signs mail with the one that receivers find. What it finds is advice: mail goes out all the same.
func (p *component) dkim(ctx context.Context, dns resolver, c config.SMTP) {
	key, err := c.DKIM.Key.Signer()
	if err != nil || key == nil {
		return // found elsewhere, or mail is not signed here
	}
	ours, kind, err := publicKey(key)
	if err != nil {
		return
	}
	name := c.DKIM.Selector + "._domainkey." + c.DKIM.Signs(c.From)
	publish := fmt.Sprintf("publish the TXT record v=DKIM1; k=%s; p=%s", kind, base64.StdEncoding.EncodeToString(ours))
	ctx, cancel := context.WithTimeout(ctx, resolverLimit)
	defer cancel()
	texts, err := dns.LookupTXT(ctx, name)
	switch {
	case err != nil && !isNotFound(err):
		return // no answer says nothing
	case len(texts) == 0:
		p.add(Advice, "DNS has no DKIM key at "+name+": receivers cannot check the signature of the mail", publish)
		return
	}
	for _, text := range texts {
		if bytes.Equal(publishedKey(text), ours) {
			return
		}
	}
	p.add(Advice, "DNS has another DKIM key at "+name+" than BALSONG_SMTP_DKIM_KEY: receivers take the signature of the mail for forged", publish+", or set the key that belongs to it")
}

// publicKey returns what DNS has of a key (RFC 6376, 3.6.1; RFC 8463, 4).
func publicKey(key crypto.Signer) (public []byte, kind string, err error) {
	if short, is := key.Public().(ed25519.PublicKey); is {
		return short, "ed25519", nil
	}
	public, err = x509.MarshalPKIXPublicKey(key.Public())
	return public, "rsa", err
}

// publishedKey returns the key in a TXT record; nil where it has none.
func publishedKey(text string) []byte {
	for tag := range strings.SplitSeq(text, ";") {
		if name, value, _ := strings.Cut(tag, "="); strings.TrimSpace(name) == "p" {
			key, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value), ""))
			if err == nil {
				return key
			}
		}
	}
	return nil
}
