// Package sqs reads what providers report from an Amazon SQS queue that topics of Amazon SNS deliver to, so that no port has to be open
// for it: docs/providers/README.md. Each message is verified by SNS's signature, as if SNS had posted it (package sns). Raw message delivery
// has to be off: it takes the signature and the topic away.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/balsong/balsong/adapters/gateway/awscall"
	"github.com/balsong/balsong/adapters/gateway/webhook"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
)

// ErrQueue is returned by New.
var ErrQueue = errors.New("no URL of a standard queue of Amazon SQS, as in https://sqs.ap-northeast-2.amazonaws.com/123456789012/name")

// Unknown is the provider of a message that names none of the topics.
const Unknown = "unknown"

const (
	batch      = 10 // messages: as many as SQS gives and deletes at once
	wait       = 20 * time.Second
	callLimit  = 30 * time.Second // of a call of SQS; longer than wait
	storeLimit = 10 * time.Second // of one try to store a batch, and of the end of a batch after the reader was told to stop
	// visibility is how long a message that was given to a reader is given to no other. What is not stored comes again after it. Where
	// storing has to wait for longer than this, another reader may be given the message too, which changes nothing: reports are stored once.
	visibility = 5 * time.Minute
	// DefaultReaders is how many batches are worked on at the same time.
	DefaultReaders = 8
)

// Config describes a queue and who reads it.
type Config struct {
	Queue     string // URL
	URL       string // of a server that is not AWS; "": AWS
	Identity  awscall.Identity
	Topics    map[string]string        // the provider by the ARN of the topic that its events are published to
	Providers map[string]port.Reporter // by name
	Receive   webhook.Receive
	Observe   func(provider string, result webhook.Result, said port.Said, err error) // of each message; nil: nobody. err has no personal data
	Watch     *outage.Watch                                                           // waits for what is down
	Readers   int                                                                     // default 8
	Now       func() time.Time
}

// Reader reads a queue. Safe for concurrent use.
type Reader struct {
	config Config
	region string

	mutex  sync.Mutex
	client *sqs.Client // nil: AWS's own configuration was not read yet
}

var queueForm = regexp.MustCompile(`^https://sqs\.([a-z]{2,3}(?:-[a-z]+)+-[0-9]{1,2})\.amazonaws\.com(?:\.cn)?/[0-9]{12}/[A-Za-z0-9_-]{1,80}$`)

// New returns a reader; it calls nobody. ErrQueue.
func New(c Config) (*Reader, error) {
	found := queueForm.FindStringSubmatch(c.Queue)
	switch {
	case found == nil && c.URL == "":
		return nil, ErrQueue
	case found == nil:
		found = []string{"", ""} // of a server that is not AWS
	}
	if c.Observe == nil {
		c.Observe = func(string, webhook.Result, port.Said, error) {}
	}
	if c.Readers <= 0 {
		c.Readers = DefaultReaders
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Reader{config: c, region: found[1]}, nil
}

// Run reads until the context ends. Then it finishes the batches that it was given, within seconds: what it does not finish comes
// again to another reader.
func (r *Reader) Run(ctx context.Context) {
	var readers sync.WaitGroup
	for range r.config.Readers {
		readers.Go(func() {
			for ctx.Err() == nil {
				r.next(ctx)
			}
		})
	}
	readers.Wait()
}

// sqs returns the client, whose calls are repeated by nobody but Config.Watch. Whatever is wrong with AWS's own configuration is waited for
// (ErrUnavailable): somebody repairs it.
func (r *Reader) sqs(ctx context.Context) (*sqs.Client, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.client != nil {
		return r.client, nil
	}
	own, err := r.config.Identity.Config(ctx)
	switch {
	case errors.Is(err, port.ErrUnavailable):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", port.ErrUnavailable, err)
	}
	r.client = sqs.NewFromConfig(own, func(o *sqs.Options) {
		o.Retryer, o.HTTPClient = aws.NopRetryer{}, awshttp.NewBuildableClient().WithTimeout(callLimit)
		if r.region != "" {
			o.Region = r.region
		}
		if r.config.URL != "" {
			o.BaseEndpoint = aws.String(r.config.URL)
		}
	})
	return r.client, nil
}

// unavailable keeps AWS's own words and leaves out what differs from call to call, so that an outage is logged once.
func unavailable(what string, err error) error {
	if said, is := errors.AsType[smithy.APIError](err); is {
		return fmt.Errorf("%w: %s: %s: %s", port.ErrUnavailable, what, said.ErrorCode(), said.ErrorMessage())
	}
	return fmt.Errorf("%w: %s: Amazon SQS did not answer", port.ErrUnavailable, what)
}
