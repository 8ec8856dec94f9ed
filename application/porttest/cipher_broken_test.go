package porttest_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

// brokenCipher breaks one promise of the cipher that it wraps.
type brokenCipher struct {
	port.Cipher
	purpose func(port.Purpose) port.Purpose // what is bound; nil: all of it
	seal    func(plain, sealed []byte) []byte
	failure error // every failure of Open becomes this one
}

func (b brokenCipher) bound(purpose port.Purpose) port.Purpose {
	if b.purpose == nil {
		return purpose
	}
	return b.purpose(purpose)
}

func (b brokenCipher) Seal(plain []byte, purpose port.Purpose) ([]byte, error) {
	sealed, err := b.Cipher.Seal(plain, b.bound(purpose))
	if b.seal != nil {
		sealed = b.seal(plain, sealed)
	}
	return sealed, err
}

func (b brokenCipher) Open(sealed []byte, purpose port.Purpose) ([]byte, error) {
	plain, err := b.Cipher.Open(sealed, b.bound(purpose))
	if err != nil && b.failure != nil {
		return nil, fmt.Errorf("open: %w", b.failure)
	}
	return plain, err
}

// clearCipher does not encrypt at all.
type clearCipher struct{}

func (clearCipher) Seal(plain []byte, _ port.Purpose) ([]byte, error) { return bytes.Clone(plain), nil }

func (clearCipher) Open(sealed []byte, _ port.Purpose) ([]byte, error) {
	return bytes.Clone(sealed), nil
}

func TestTheCipherSuiteRejectsBrokenCiphers(t *testing.T) {
	t.Parallel()
	opens := func(broken brokenCipher) func(testing.TB) port.Cipher {
		return func(testing.TB) port.Cipher {
			broken.Cipher = memory.NewCipher()
			return broken
		}
	}
	forget := func(change func(*port.Purpose)) func(testing.TB) port.Cipher {
		return opens(brokenCipher{purpose: func(p port.Purpose) port.Purpose {
			change(&p)
			return p
		}})
	}
	const binds = "opens nothing for another purpose"
	checks := porttest.CipherChecks()
	porttest.Reject(t, checks, func(testing.TB) port.Cipher { return clearCipher{} },
		"hides what it seals and never seals twice alike", binds, "opens nothing that was changed", "tells an unknown key from bad content")
	porttest.Reject(t, checks, forget(func(p *port.Purpose) { p.Kind = "" }), binds)
	porttest.Reject(t, checks, forget(func(p *port.Purpose) { p.Target.Month = 0 }), binds)
	porttest.Reject(t, checks, forget(func(p *port.Purpose) { p.Target.UserID = 0 }), binds)
	porttest.Reject(t, checks, forget(func(p *port.Purpose) { p.Channel = "" }), binds)
	porttest.Reject(t, checks, forget(func(p *port.Purpose) {
		p.Kind, p.Channel = p.Kind+string(p.Channel), channel.Kind("")
	}), binds)
	porttest.Reject(t, checks, opens(brokenCipher{failure: port.ErrContent}), "tells an unknown key from bad content")
	porttest.Reject(t, checks, opens(brokenCipher{failure: port.ErrUnknownKey}), "opens nothing that was changed")
	porttest.Reject(t, checks, opens(brokenCipher{seal: func(plain, sealed []byte) []byte {
		clear(plain)
		return sealed
	}}), "keeps and changes nothing that was handed in")
}
