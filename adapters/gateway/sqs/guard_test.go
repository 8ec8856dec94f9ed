package sqs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/sqs"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/port"
)

// reporter reads requests in its own way.
type reporter func(ctx context.Context, request port.Webhook) (port.Said, error)

func (r reporter) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	return r(ctx, request)
}

// repaired is an identity whose configuration is invalid for some calls.
type repaired struct {
	awscalltest.Identity
	invalid int // calls; the client is made by one at a time
}

func (r *repaired) Config(ctx context.Context) (aws.Config, error) {
	if r.invalid--; r.invalid >= 0 {
		return aws.Config{}, fmt.Errorf("%w: no such profile", port.ErrInvalid)
	}
	return r.Identity.Config(ctx)
}

func TestAnInvalidConfigurationOfAWSIsWaitedForAndShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change = func(c *sqs.Config) {
		c.Identity = &repaired{awscalltest.Identity{Region: "ap-northeast-2"}, 50}
	}
	w.put(envelope(t, w.sns, "a", nil))
	w.start(t)
	w.sqs.await(t, func() bool { return len(w.sqs.deleted) == 1 })
	lines := w.log.Find("a component is down; waiting for it, nothing is lost")
	if len(lines) == 0 || !strings.Contains(fmt.Sprint(lines[0].Field("error")), "no such profile") {
		t.Errorf("%v", lines)
	}
}

// A message that makes the program panic comes again: the process would end each time.
func TestAMessageThatMakesTheProgramPanicIsLeftToTheQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var seen []error
	w.change = func(c *sqs.Config) {
		verified := c.Providers["ses"]
		c.Providers["ses"] = reporter(func(ctx context.Context, request port.Webhook) (port.Said, error) {
			if bytes.Contains(request.Body, []byte("poison")) {
				panic("no such index")
			}
			return verified.Reports(ctx, request)
		})
		c.Observe = func(provider string, result webhook.Result, said port.Said, err error) {
			w.sqs.change(func() { seen = append(seen, err) })
			w.observe(provider, result, said, err)
		}
	}
	w.put(envelope(t, w.sns, "poison", nil), envelope(t, w.sns, "a", nil))
	stop := w.start(t)
	w.sqs.await(t, func() bool { return len(w.results) == 2 && len(w.sqs.deleted) == 1 })
	stop()
	if !slices.Contains(w.results, "ses failed 0+0") || !slices.Equal(w.ids(), []string{"a"}) || len(w.sqs.messages) != 1 {
		t.Errorf("saw %q, stored %q, left %d", w.results, w.ids(), len(w.sqs.messages))
	}
	if said := errors.Join(seen...).Error(); !strings.Contains(said, "guard_test.go") || strings.Contains(said, "no such index") {
		t.Errorf("seen: %s", said)
	}
}

// Beyond the time for which a batch is held its messages are given again.
func TestTheMessagesOfABatchAreCheckedWithinOneTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var ends []time.Time
	w.change = func(c *sqs.Config) {
		c.Readers = 1
		c.Providers["ses"] = reporter(func(ctx context.Context, _ port.Webhook) (port.Said, error) {
			end, _ := ctx.Deadline()
			w.sqs.change(func() { ends = append(ends, end) })
			return port.Said{}, nil
		})
	}
	w.put(envelope(t, w.sns, "a", nil), envelope(t, w.sns, "b", nil), envelope(t, w.sns, "c", nil))
	w.start(t)
	w.sqs.await(t, func() bool { return len(w.sqs.deleted) == 3 })
	if len(ends) != 3 || ends[0].IsZero() || !ends[0].Equal(ends[1]) || !ends[0].Equal(ends[2]) {
		t.Errorf("the checks end at %v", ends)
	}
}
