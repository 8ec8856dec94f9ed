// Package awscall makes the calls of gateways to services of AWS: signed by AWS's SDK with the identity of the process, whose
// credentials are fetched before the call, made once over httpclient, and answered by what AWS said, not by what the SDK makes of it.
package awscall

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
)

// Identity is who the process is to AWS.
type Identity interface {
	// Config returns AWS's own configuration, whose credentials sign.
	Config(ctx context.Context) (aws.Config, error)
}

// Config says how a service of AWS is called.
type Config struct {
	Provider port.Provider
	Identity Identity
	Region   string // "": that of AWS's own configuration
	URL      string // of a server that is not AWS; "": AWS
	TLS      *tls.Config
}

// Caller calls a service of AWS. Safe for concurrent use.
type Caller struct {
	config      Config
	client      *httpclient.Client
	settings    atomic.Pointer[aws.Config]      // nil: not prepared
	credentials atomic.Pointer[aws.Credentials] // that sign
}

// ErrRegion says that no region is known.
var ErrRegion = errors.New("no AWS region is set: set AWS_REGION")

// New checks the settings, wrapping gateway.ErrConfig; it asks AWS for nothing.
func New(c Config) (*Caller, error) {
	if c.URL != "" {
		if parsed, err := url.Parse(c.URL); err != nil || (parsed.Scheme != "https" && parsed.Scheme != "http") || parsed.Host == "" {
			return nil, gateway.ConfigError(c.Provider.Name, "url", "is no http or https address")
		}
	}
	return &Caller{config: c, client: httpclient.New(httpclient.Config{CallDeadline: c.Provider.CallDeadline, TLS: c.TLS})}, nil
}

// Close closes unused connections.
func (c *Caller) Close() { c.client.Close() }

// Prepare makes sure that there are credentials, and returns the settings of a client of the SDK; they are the same each time. It may
// wait for whoever gives the credentials, and so is called before a claim.
func (c *Caller) Prepare(ctx context.Context) (aws.Config, error) {
	own, err := c.config.Identity.Config(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	if own.Credentials == nil {
		return aws.Config{}, fmt.Errorf("%w: AWS's own chain gives no credentials", port.ErrUnavailable)
	}
	found, err := own.Credentials.Retrieve(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("%w: AWS's own chain gives no credentials (the role of the task or the machine, AWS_PROFILE, AWS_ACCESS_KEY_ID)", port.ErrUnavailable)
	}
	c.credentials.Store(&found)
	if known := c.settings.Load(); known != nil {
		return *known, nil
	}
	made := own.Copy()
	if made.Region = cmp.Or(c.config.Region, own.Region); made.Region == "" {
		return aws.Config{}, fmt.Errorf("%w: %w", port.ErrInvalid, ErrRegion)
	}
	made.HTTPClient, made.Credentials = recorder{c.client}, aws.CredentialsProviderFunc(c.held)
	made.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if c.config.URL != "" {
		made.BaseEndpoint = aws.String(c.config.URL)
	}
	c.settings.Store(&made)
	return made, nil
}

// held returns the credentials of the last Prepare: nothing waits inside a call.
func (c *Caller) held(context.Context) (aws.Credentials, error) {
	if held := c.credentials.Load(); held != nil {
		return *held, nil
	}
	return aws.Credentials{}, errors.New("there are no credentials yet")
}

// Once makes one call with a client of the SDK that has the settings of Prepare, and returns AWS's answer, whatever its status. The
// error wraps httpclient.ErrNotMade or httpclient.ErrUnknown.
func (c *Caller) Once(ctx context.Context, call func(ctx context.Context) error) (httpclient.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Provider.CallDeadline)
	defer cancel()
	ctx, record := httpclient.WithRecord(ctx)
	made := new(exchange)
	err := call(context.WithValue(ctx, exchangeKey{}, made))
	switch {
	case made.answer != nil:
		return *made.answer, nil
	case record.Sent() == 0:
		return httpclient.Answer{}, fmt.Errorf("%w: %s", httpclient.ErrNotMade, words(made.err, err))
	default:
		return httpclient.Answer{}, fmt.Errorf("%w: %s", httpclient.ErrUnknown, words(made.err, err))
	}
}

// words are those of the client, and where it was not called those of the SDK.
func words(own, sdk error) string {
	if own != nil {
		return own.Error()
	}
	if sdk != nil {
		return sdk.Error()
	}
	return "AWS's SDK made no call"
}

// exchange is what the client saw of one call.
type exchange struct {
	called bool
	answer *httpclient.Answer
	err    error
}

type exchangeKey struct{}

// recorder keeps what AWS answered.
type recorder struct{ client *httpclient.Client }

var errRepeated = errors.New("a call is not repeated")

// Do implements aws.HTTPClient. Of one exchange it makes one call.
func (r recorder) Do(request *http.Request) (*http.Response, error) {
	made, _ := request.Context().Value(exchangeKey{}).(*exchange)
	if made == nil {
		made = new(exchange)
	}
	if made.called {
		return nil, errRepeated
	}
	made.called = true
	response, err := r.client.Do(request)
	if err != nil {
		made.err = err
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		made.err = err // longer than any answer of AWS
		return nil, err
	}
	made.answer = &httpclient.Answer{Status: response.StatusCode, Header: response.Header, Body: body}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}
