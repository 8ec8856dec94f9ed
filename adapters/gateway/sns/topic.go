// Package sns takes what Amazon SNS posts over HTTPS to a subscriber of a topic: it verifies each request by SNS's signature, confirms
// the subscription to the one topic that is configured, and reads no other. Raw message delivery has to be off: it takes the signature
// away (https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).
package sns

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"sync"
	"time"

	"github.com/balsong/balsong/application/port"
)

// ErrTopic is returned by New.
var ErrTopic = errors.New("no ARN of a topic, as in arn:aws:sns:ap-northeast-2:123456789012:name")

// Topic is a topic that this process is subscribed to. Safe for concurrent use.
type Topic struct {
	arn  string
	host string // of SNS in the topic's region
	http *http.Client

	fetches chan struct{} // holds one element for each certificate that is being fetched
	mutex   sync.Mutex
	known   map[string]*certificate // by URL
}

const (
	callTimeout = 10 * time.Second // of a fetch and of a confirmation
	maxFetches  = 4                // at the same time: whoever knows the address of the webhook can cause them
	maxKnown    = 8                // certificates: SNS changes its own once in a while
)

// domains are where AWS's partitions have their services. Of others it is not verified where SNS serves its certificates.
var domains = map[string]string{"aws": "amazonaws.com", "aws-us-gov": "amazonaws.com", "aws-cn": "amazonaws.com.cn"}

var topicForm = regexp.MustCompile(`^arn:(aws|aws-us-gov|aws-cn):sns:([a-z]{2,3}(?:-[a-z]+)+-[0-9]{1,2}):[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)

// New returns a topic by its ARN. transport makes the calls to SNS; nil: a usual one, which verifies certificates by the system's
// roots. ErrTopic.
func New(arn string, transport http.RoundTripper) (*Topic, error) {
	found := topicForm.FindStringSubmatch(arn)
	if found == nil {
		return nil, ErrTopic
	}
	if transport == nil {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true} // called seldom
	}
	return &Topic{
		arn: arn, host: "sns." + found[2] + "." + domains[found[1]],
		http: &http.Client{
			Transport: transport, Timeout: callTimeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the host that is called is the proof
		},
		fetches: make(chan struct{}, maxFetches), known: map[string]*certificate{},
	}, nil
}

// Notification is what was published to the topic.
type Notification struct {
	ID   string // SNS's, the same for each delivery of one publication
	Text string
	At   time.Time // of publication, by SNS's clock
}

// Open verifies a request and returns the notification in it. It confirms the subscription if the request asks for that; there is no
// notification then (nil), as in the word that somebody has ended the subscription, which is an error of the kind ErrUnreadable.
// ErrForged; ErrUnreadable; ErrUnavailable where SNS cannot be reached now: SNS posts the request again.
func (t *Topic) Open(ctx context.Context, request port.Webhook) (*Notification, error) {
	m, at, err := t.read(request)
	if err != nil {
		return nil, err
	}
	if err := t.verify(ctx, m, request.Arrived); err != nil {
		return nil, err
	}
	switch m.Type {
	case typeNotification:
		return &Notification{ID: m.MessageID, Text: m.Message, At: at}, nil
	case typeConfirmation:
		return nil, t.confirm(ctx, m.Token)
	default:
		return nil, fmt.Errorf("%w: the subscription to %s has been ended: subscribe again", port.ErrUnreadable, t.arn)
	}
}

// confirm confirms the subscription. It calls no address that the request names: with the token the call is always the same.
func (t *Topic) confirm(ctx context.Context, token string) error {
	query := url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {t.arn}, "Token": {token}}
	status, _, err := t.get(ctx, "https://"+t.host+"/?"+query.Encode())
	switch {
	case err != nil:
		return err
	case status/100 == 2:
		return nil
	case status/100 == 4 && status != http.StatusTooManyRequests:
		return fmt.Errorf("%w: SNS does not confirm the subscription to %s (HTTP %d): the token may be more than 3 days old: subscribe again", port.ErrUnreadable, t.arn, status)
	}
	return fmt.Errorf("%w: SNS does not confirm the subscription to %s now (HTTP %d)", port.ErrUnavailable, t.arn, status)
}
