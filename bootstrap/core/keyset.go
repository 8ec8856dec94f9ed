package core

import (
	"bytes"
	"context"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
)

// keysetPause is how often the keyset's file is looked at.
const keysetPause = 10 * time.Second

// reloader is a cipher whose keyset may be exchanged.
type reloader interface{ Reload(keyset []byte) error }

// watchKeyset hands the keyset's file to the cipher whenever it has changed, so that a key that was rotated in is used
// without a restart, and what waits for it goes on. A file that cannot be used is told once and changes nothing.
func watchKeyset(ctx context.Context, keys config.Keys, cipher reloader, clock port.Clock, log port.Log) error {
	var known []byte // what was handed over last; the first time is once too often, and harmless
	for told := false; ; told = true {
		raw, err := keys.ReadKeyset()
		if err == nil && !bytes.Equal(raw, known) {
			known = raw
			err = cipher.Reload(raw)
			switch {
			case err != nil:
				log.Error("the keyset has changed and cannot be used; the one before stays", port.Field{Key: "error", Value: err})
			case told:
				log.Info("the keyset has changed and is used from now on")
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-clock.After(keysetPause):
		}
	}
}
