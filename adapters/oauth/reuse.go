package oauth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// pause is how long a source that failed is not asked again: every connection asks for a token, and so would every try of it.
const pause = time.Second

// limit is how long a source may take. Who waits for it may give up before.
const limit = 30 * time.Second

// Kept asks a source as seldom as it may: each token is used by all who share it, until it is about to expire. While the source
// fails, the last token is used until it expires. Safe for concurrent use.
type Kept struct {
	source   Source
	held     atomic.Pointer[kept] // nil: none
	renewing atomic.Bool          // one caller of Prepare renews a token that is still valid

	mu     sync.Mutex
	asking chan struct{} // closed when the source that is being asked has answered; nil: it is not asked now
	err    error         // of the last time that the source was asked
	until  time.Time     // before, the source is not asked
}

type kept struct {
	Token
	renew time.Time
}

// Keep returns a source that keeps the tokens of another one.
func Keep(source Source) *Kept { return &Kept{source: source} }

// Token implements Source. The source is asked when four fifths of the last token's life are over. It answers all who wait for it,
// and also where the one for whom it was asked gives up.
func (k *Kept) Token(ctx context.Context) (Token, error) {
	for {
		token, asking, err := k.tokenOrAsk(ctx)
		if asking == nil {
			return token, err
		}
		select {
		case <-asking:
		case <-ctx.Done():
			return Token{}, ctx.Err()
		}
	}
}

// tokenOrAsk returns the token, or why there is none; or, where the source must be asked, what is closed when it has answered.
func (k *Kept) tokenOrAsk(ctx context.Context) (Token, <-chan struct{}, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	held := k.held.Load()
	if time.Now().Before(k.until) && (held != nil || k.err != nil) {
		token, err := k.usable(held)
		return token, nil, err
	}
	if k.asking == nil {
		k.asking = make(chan struct{})
		go k.ask(context.WithoutCancel(ctx))
	}
	return Token{}, k.asking, nil
}

// ask asks the source once.
func (k *Kept) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	token, err := k.source.Token(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.err, k.until = err, now.Add(pause)
	if err == nil {
		if life := token.Expires.Sub(now); life > 0 {
			k.until = now.Add(life / 5 * 4)
		}
		k.held.Store(&kept{token, k.until})
	}
	close(k.asking)
	k.asking = nil
}

// usable returns the last token while it is valid, else the source's error. The caller holds mu.
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
