package oauth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/balsong/balsong/adapters/oauth"
)

// counted makes tokens with a life of an hour, or fails with err, and counts how often it was asked.
type counted struct {
	asked int
	err   error
	hold  chan struct{} // before an answer; nil: at once
}

func (c *counted) Token(context.Context) (oauth.Token, error) {
	c.asked++
	if c.hold != nil {
		<-c.hold
	}
	return oauth.Token{Value: string(rune('a' + c.asked - 1)), Expires: time.Now().Add(time.Hour)}, c.err
}

func TestATokenIsUsedUntilAFifthOfItsLifeIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &counted{}
		tokens := oauth.Keep(source)
		for _, step := range []struct {
			after time.Duration
			value string
		}{{0, "a"}, {47 * time.Minute, "a"}, {2 * time.Minute, "b"}, {47 * time.Minute, "b"}, {2 * time.Minute, "c"}} {
			time.Sleep(step.after)
			if token, err := tokens.Token(t.Context()); err != nil || token.Value != step.value {
				t.Errorf("after %v more: %q, %v, want %q", step.after, token.Value, err, step.value)
			}
		}
	})
}

func TestAValidTokenOutlastsASourceThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &counted{}
		tokens := oauth.Keep(source)
		if _, err := tokens.Token(t.Context()); err != nil {
			t.Fatal(err)
		}
		source.err = errors.New("down")
		time.Sleep(59 * time.Minute)
		if token, err := tokens.Token(t.Context()); err != nil || token.Value != "a" || source.asked != 2 {
			t.Errorf("a minute before the end: %q, %v, asked %d times", token.Value, err, source.asked)
		}
		time.Sleep(time.Minute)
		if _, err := tokens.Token(t.Context()); !errors.Is(err, source.err) {
			t.Errorf("after the end: %v", err)
		}
		for range 100 {
			_, _ = tokens.Token(t.Context())
		}
		if source.asked != 3 {
			t.Errorf("a source that fails was asked %d times at once, want once", source.asked-2)
		}
		source.err = nil
		time.Sleep(2 * time.Second)
		if token, err := tokens.Token(t.Context()); err != nil || token.Value != "d" {
			t.Errorf("after the source works again: %q, %v", token.Value, err)
		}
	})
}

// slow is a source that takes its time.
type slow struct {
	takes time.Duration
	asked int
}

func (s *slow) Token(ctx context.Context) (oauth.Token, error) {
	s.asked++
	select {
	case <-time.After(s.takes):
		return oauth.Token{Value: "a", Expires: time.Now().Add(time.Hour)}, nil
	case <-ctx.Done():
		return oauth.Token{}, ctx.Err()
	}
}

func TestATokenThatTakesLongerThanItsCallersWaitIsFetchedAllTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &slow{takes: 3500 * time.Millisecond}
		tokens := oauth.Keep(source)
		for n := range 4 { // each waits for a second, one after another
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			err := tokens.Prepare(ctx)
			if cancel(); n < 3 && !errors.Is(err, context.DeadlineExceeded) || n == 3 && err != nil {
				t.Errorf("caller %d gets %v", n, err)
			}
		}
		if value, held := tokens.Held(); !held || value != "a" || source.asked != 1 {
			t.Errorf("held %q, %t, asked %d times", value, held, source.asked)
		}
	})
}

func TestASourceThatNeverAnswersIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &slow{takes: 1000 * time.Hour}
		tokens := oauth.Keep(source)
		if err := tokens.Prepare(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		time.Sleep(2 * time.Second)
		if source.takes = 0; tokens.Prepare(t.Context()) != nil || source.asked != 2 {
			t.Errorf("it answers again, and was asked %d times", source.asked)
		}
	})
}

func TestPreparingWaitsOnlyWhereNoTokenIsValid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &counted{}
		tokens := oauth.Keep(source)
		if _, held := tokens.Held(); held || source.asked != 0 {
			t.Error("a token that nobody asked for")
		}
		hold := make(chan struct{})
		if err := tokens.Prepare(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Minute) // it is to be renewed, and still valid
		source.hold = hold
		renewed := make(chan error)
		go func() { renewed <- tokens.Prepare(t.Context()) }()
		synctest.Wait()
		for range 10 { // the others do not wait for the one who renews
			if err := tokens.Prepare(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if value, held := tokens.Held(); !held || value != "a" {
			t.Errorf("while it is renewed: %q, %t", value, held)
		}
		close(hold)
		if err := <-renewed; err != nil || source.asked != 2 {
			t.Errorf("%v, asked %d times", err, source.asked)
		}
		if value, _ := tokens.Held(); value != "b" {
			t.Errorf("renewed: %q", value)
		}
		tokens.Refused("a") // the one of before
		if _, held := tokens.Held(); !held {
			t.Error("a token was taken back for an older one")
		}
		tokens.Refused("b")
		if _, held := tokens.Held(); held {
			t.Error("a refused token is still held")
		}
		if err := tokens.Prepare(t.Context()); err != nil || source.asked != 3 {
			t.Errorf("after a refusal: %v, asked %d times", err, source.asked)
		}
		time.Sleep(2 * time.Hour)
		source.err = errors.New("down")
		if err := tokens.Prepare(t.Context()); !errors.Is(err, source.err) {
			t.Errorf("expired, and no other: %v", err)
		}
	})
}
