package core

import (
	"bytes"
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/secrets"
)

// The pauses between two reads of the keyset from where it is kept.
const (
	keysetFilePause = 10 * time.Second
	keysetAWSPause  = time.Minute
)

// reloader is a cipher whose keyset may be exchanged.
type reloader interface{ Reload(keyset []byte) error }

// watchKeyset hands the keyset to the cipher whenever its source has changed, so that a key that was rotated in is
// used without a restart, and what waits for it goes on. A keyset that cannot be read or used is logged once and changes
// nothing.
func watchKeyset(ctx context.Context, keys config.Keys, vault *secrets.Vault, cipher reloader, clock port.Clock, log port.Log) error {
	pause := keysetAWSPause
	if reference, _, _ := secrets.Parse(keys.Source); reference.Kind == secrets.File {
		pause = keysetFilePause
	}
	var known []byte // what was handed over last; nothing at first, so the keyset of the start is handed over again
	logged := ""     // the failure that was logged last, so that it is logged once
	for first := true; ; first = false {
		raw, err := vault.Look(ctx, keys.Source)
		changed := err == nil && !bytes.Equal(raw, known)
		if changed {
			err = exchange(ctx, keys, vault, cipher, raw)
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && err.Error() != logged:
			logged = err.Error()
			log.Error("the keyset cannot be read or used; the one before stays", port.Field{Key: "error", Value: err})
		case err == nil:
			logged = ""
		}
		if changed && err == nil {
			if known = raw; !first {
				log.Info("the keyset has changed and is used from now on")
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-clock.After(pause):
		}
	}
}

func exchange(ctx context.Context, keys config.Keys, vault *secrets.Vault, cipher reloader, raw []byte) error {
	plain, err := vault.UnwrapOnce(ctx, raw, keys.KMSKey)
	if err != nil {
		return err
	}
	return cipher.Reload(plain)
}
