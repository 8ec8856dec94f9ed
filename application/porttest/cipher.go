package porttest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Cipher runs the suite of port.Cipher. Ciphers of two calls of open share no key.
func Cipher(t *testing.T, open func(t testing.TB) port.Cipher) { Run(t, CipherChecks(), open) }

// CipherChecks are the promises of port.Cipher.
func CipherChecks() []Check[port.Cipher] {
	return []Check[port.Cipher]{
		{"opens what it sealed", cipherRoundTrip},
		{"hides what it seals and never seals twice alike", cipherHides},
		{"opens nothing for another purpose", cipherBindsPurpose},
		{"opens nothing that was changed", cipherAuthenticates},
		{"tells an unknown key from bad content", cipherUnknownKey},
		{"keeps and changes nothing that was handed in", cipherLeavesInputAlone},
		{"serves many goroutines at once", cipherConcurrent},
	}
}

// purposes returns purposes that differ from each other in one part each. Some would be equal if an encoding merely
// joined the parts.
func purposes() []port.Purpose {
	month, _ := key.ParseMonth("2026-11")
	target := key.Target{Month: month, UserID: 4711}
	return []port.Purpose{
		{Kind: port.KindDestination, Target: target, Channel: channel.Email},
		{Kind: port.KindDestination, Target: target, Channel: channel.SMS},
		{Kind: port.KindDestination, Target: target},
		{Kind: port.KindDestination + string(channel.Email), Target: target},
		{Kind: port.KindStatement, Target: target},
		{Kind: port.KindStatementRef, Target: target},
		{Kind: port.KindBillingData, Target: target},
		{Kind: port.KindBillingData, Target: key.Target{Month: month + 1, UserID: 4711}},
		{Kind: port.KindBillingData, Target: key.Target{Month: month, UserID: 4712}},
		{Kind: port.KindBillingData, Target: key.Target{Month: month, UserID: 4711 << 8}},
	}
}

func mustSeal(t testing.TB, c port.Cipher, plain []byte, purpose port.Purpose) []byte {
	t.Helper()
	sealed, err := c.Seal(plain, purpose)
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return sealed
}

func cipherRoundTrip(t testing.TB, open func(testing.TB) port.Cipher) {
	c := open(t)
	for _, plain := range [][]byte{{}, []byte("a"), []byte("kim@example.com"), bytes.Repeat([]byte("청구서"), 40_000)} {
		for _, purpose := range purposes() {
			opened, err := c.Open(mustSeal(t, c, plain, purpose), purpose)
			if err != nil || !bytes.Equal(opened, plain) {
				t.Fatalf("%d bytes for %v do not come back: %v", len(plain), purpose, err)
			}
		}
	}
}

func cipherHides(t testing.TB, open func(testing.TB) port.Cipher) {
	c, plain, purpose := open(t), []byte("kim@example.com"), purposes()[0]
	first, second := mustSeal(t, c, plain, purpose), mustSeal(t, c, plain, purpose)
	if bytes.Contains(first, plain[:8]) {
		t.Error("the ciphertext shows the text")
	}
	if bytes.Equal(first, second) {
		t.Error("the same text sealed twice gives the same ciphertext: equal destinations could be told")
	}
}

func cipherBindsPurpose(t testing.TB, open func(testing.TB) port.Cipher) {
	c := open(t)
	for i, sealedFor := range purposes() {
		sealed := mustSeal(t, c, []byte("kim@example.com"), sealedFor)
		for j, openedFor := range purposes() {
			if _, err := c.Open(sealed, openedFor); i != j && !errors.Is(err, port.ErrContent) {
				t.Errorf("sealed for %v, opened for %v: %v, want ErrContent", sealedFor, openedFor, err)
			}
		}
	}
}

func cipherAuthenticates(t testing.TB, open func(testing.TB) port.Cipher) {
	c, purpose := open(t), purposes()[0]
	sealed := mustSeal(t, c, []byte("kim@example.com"), purpose)
	for at := range sealed {
		changed := bytes.Clone(sealed)
		changed[at] ^= 1
		// A change in the key's id names another key; every other change is bad content.
		if _, err := c.Open(changed, purpose); !errors.Is(err, port.ErrContent) && !errors.Is(err, port.ErrUnknownKey) {
			t.Errorf("byte %d of %d changed: %v", at, len(sealed), err)
		}
	}
	last := bytes.Clone(sealed)
	last[len(last)-1] ^= 0x80
	for name, broken := range map[string][]byte{
		"nothing": nil, "one byte": sealed[:1], "a few bytes": sealed[:6], "all but the last byte": sealed[:len(sealed)-1],
		"one byte more": append(bytes.Clone(sealed), 0), "the last byte changed": last, "plain text": []byte("kim@example.com"),
	} {
		if _, err := c.Open(broken, purpose); !errors.Is(err, port.ErrContent) {
			t.Errorf("%s: %v, want ErrContent", name, err)
		}
	}
}

func cipherUnknownKey(t testing.TB, open func(testing.TB) port.Cipher) {
	c, other, purpose := open(t), open(t), purposes()[0]
	_, err := c.Open(mustSeal(t, other, []byte("kim@example.com"), purpose), purpose)
	if !errors.Is(err, port.ErrUnknownKey) || errors.Is(err, port.ErrContent) {
		t.Errorf("sealed with a key that is not there: %v, want ErrUnknownKey alone", err)
	}
}

func cipherLeavesInputAlone(t testing.TB, open func(testing.TB) port.Cipher) {
	c, purpose := open(t), purposes()[0]
	buffer := append(make([]byte, 0, 256), "kim@example.com"...)
	tail := buffer[:cap(buffer)]
	sealed := mustSeal(t, c, buffer, purpose)
	if string(buffer) != "kim@example.com" || !bytes.Equal(tail[len(buffer):], make([]byte, cap(buffer)-len(buffer))) {
		t.Error("Seal changed what it was given")
	}
	kept := bytes.Clone(sealed)
	copy(buffer, "XXXXXXXXXXXXXXX")
	opened, err := c.Open(sealed, purpose)
	if err != nil || string(opened) != "kim@example.com" {
		t.Errorf("Seal kept the caller's bytes: %v", err)
	}
	if !bytes.Equal(sealed, kept) {
		t.Error("Open changed what it was given")
	}
	if clear(sealed); string(opened) != "kim@example.com" {
		t.Error("Open's text lies in what it was given")
	}
}

func cipherConcurrent(t testing.TB, open func(testing.TB) port.Cipher) {
	c := open(t)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			plain, purpose := bytes.Repeat([]byte{byte(i)}, 100+i), purposes()[i]
			for range 50 {
				sealed, err := c.Seal(plain, purpose)
				if err != nil {
					t.Errorf("Seal: %v", err)
					return
				}
				if opened, err := c.Open(sealed, purpose); err != nil || !bytes.Equal(opened, plain) {
					t.Errorf("another text came back: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
}
