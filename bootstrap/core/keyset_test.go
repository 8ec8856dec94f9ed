package core

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/awssecrets"
	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/secrets"
	"github.com/balsong/balsong/domain/key"
)

func newKeyset(t *testing.T) []byte {
	t.Helper()
	keyset, err := crypto.NewKeyset()
	if err != nil {
		t.Fatal(err)
	}
	return keyset
}

func cipherOf(t *testing.T, keyset []byte) *crypto.Cipher {
	t.Helper()
	cipher, err := crypto.New(keyset)
	if err != nil {
		t.Fatal(err)
	}
	return cipher
}

func TestAKeyThatIsRotatedInIsUsedWithoutARestart(t *testing.T) {
	t.Parallel()
	clock, log := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)), &memory.Log{}
	file := filepath.Join(t.TempDir(), "keyset.json")
	write := func(keyset []byte) {
		t.Helper()
		if err := os.WriteFile(file, keyset, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old, newer := newKeyset(t), newKeyset(t)
	write(old)
	purpose := port.Purpose{Kind: port.KindStatement, Target: key.Target{Month: 2026*12 + 10, UserID: 1}}
	sealed, err := cipherOf(t, newer).Seal([]byte("bill"), purpose)
	if err != nil {
		t.Fatal(err)
	}
	cipher := cipherOf(t, old)
	vault := secrets.NewVault(awssecrets.Config{}, nil, 0)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- watchKeyset(ctx, config.Keys{Source: "file:" + file}, vault, cipher, clock, log) }()
	look := func() {
		t.Helper()
		if err := clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		clock.Advance(keysetFilePause)
		if err := clock.AwaitTimers(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if _, err := cipher.Open(sealed, purpose); !errors.Is(err, port.ErrUnknownKey) {
		t.Fatalf("before the rotation: %v", err)
	}
	write([]byte("half a file"))
	look()
	look()
	if _, err := cipher.Open(sealed, purpose); !errors.Is(err, port.ErrUnknownKey) || len(log.Lines()) != 1 {
		t.Fatalf("a broken file: %v, told %d times", err, len(log.Lines()))
	}
	write(newer)
	look()
	if plain, err := cipher.Open(sealed, purpose); err != nil || string(plain) != "bill" {
		t.Fatalf("after the rotation: %v", err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	look()
	if _, err := cipher.Open(sealed, purpose); err != nil {
		t.Fatalf("after the file went away: %v", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}
