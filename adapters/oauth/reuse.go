package oauth

import (
	"context"
	"sync/atomic"
	"time"
)

// pause is how long a source that failed is not asked again: every connection asks for a token, and so would every try of it.
const pause = time.Second

// Kept asks a source as seldom as it may: each token is used by all who share it, until it is about to expire. While the source
// fails, the last token is used until it expires. Safe for concurrent use.
type Kept struct {
	source   Source
	held     atomic.Pointer[kept] // nil: none
	renewing atomic.Bool          // one caller of Prepare renews a token that is still valid

	turn  chan struct{} // holds one element, taken by each use
	err   error         // of the last time that the source was asked; guarded by turn, as what follows
	until time.Time     // before, the source is not asked
}

type kept struct {
	Token
	renew time.Time
}

// Keep returns a source that keeps the tokens of another one.
func Keep(source Source) *Kept {
	k := &Kept{source: source, turn: make(chan struct{}, 1)}
	k.turn <- struct{}{}
	return k
}

// Token implements Source. The source is asked when four fifths of the last token's life are over.
func (k *Kept) Token(ctx context.Context) (Token, error) {
	select {
	case <-k.turn:
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
	defer func() { k.turn <- struct{}{} }()
	held := k.held.Load()
	if time.Now().Before(k.until) && (held != nil || k.err != nil) {
		return k.usable(held)
	}
	token, err := k.source.Token(ctx)
	if ctx.Err() != nil {
		return Token{}, ctx.Err() // the caller gave up, which says nothing about the source
	}
	now := time.Now()
	k.err, k.until = err, now.Add(pause)
	if err == nil {
		if life := token.Expires.Sub(now); life > 0 {
			k.until = now.Add(life / 5 * 4)
		}
		held = &kept{token, k.until}
		k.held.Store(held)
	}
	return k.usable(held)
}

// usable returns the last token while it is valid, else the source's error.
func (k *Kept) usable(held *kept) (Token, error) {
	if held != nil && (k.err == nil || time.Now().Before(held.Expires)) {
		return held.Token, nil
	}
	return Token{}, k.err
}

// Prepare makes sure that a token is held. It waits for the source where none is held that is valid; one that will expire soon
// is renewed by one caller, while the others use it.
func (k *Kept) Prepare(ctx context.Context) error {
	now := time.Now()
	if held := k.held.Load(); held != nil && held.valid(now) {
		if now.Before(held.renew) || !k.renewing.CompareAndSwap(false, true) {
			return nil
		}
		defer k.renewing.Store(false)
	}
	_, err := k.Token(ctx)
	return err
}

// Held returns the token that is held, without asking for one; false where none is valid.
func (k *Kept) Held() (string, bool) {
	held := k.held.Load()
	if held == nil || !held.valid(time.Now()) {
		return "", false
	}
	return held.Value, true
}

// Refused takes a token back that was refused by whom it was for: it may have been revoked. The next one is asked for when it is
// needed.
func (k *Kept) Refused(value string) {
	if held := k.held.Load(); held != nil && held.Value == value {
		k.held.CompareAndSwap(held, nil)
	}
}
