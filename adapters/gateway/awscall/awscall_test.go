package awscall_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/answers/answerstest"
	"github.com/balsong/balsong/adapters/gateway/awscall"
	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func config(far porttest.HTTPFarEnd, identity awscall.Identity) awscall.Config {
	return awscall.Config{
		Provider: port.Provider{Name: "ses", Channel: channel.Email, CallDeadline: 5 * time.Second, Lease: 10 * time.Second, InFlight: 1},
		Identity: identity, URL: far.URL(),
	}
}

func caller(t testing.TB, far porttest.HTTPFarEnd, identity awscall.Identity) *awscall.Caller {
	t.Helper()
	made, err := awscall.New(config(far, identity))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

// post is a call as the SDK makes it.
func post(settings aws.Config, address string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(`{"text":"x"}`))
		if err != nil {
			return err
		}
		response, err := settings.HTTPClient.Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
		return err
	}
}

func TestNothingIsCalledBeforeThereAreCredentialsAndARegion(t *testing.T) {
	t.Parallel()
	far := porttest.NewHTTPFarEnd(t, porttest.HTTPSettings{})
	for name, c := range map[string]struct {
		identity awscalltest.Identity
		want     error
	}{
		"no configuration":   {awscalltest.Identity{Err: port.ErrInvalid}, port.ErrInvalid},
		"no credentials":     {awscalltest.Identity{Region: "ap-northeast-2", None: true}, port.ErrUnavailable},
		"refused":            {awscalltest.Identity{Region: "ap-northeast-2", CredentialsErr: errors.New("role")}, port.ErrUnavailable},
		"no region":          {awscalltest.Identity{}, awscall.ErrRegion},
		"credentials and it": {awscalltest.Identity{Region: "ap-northeast-2"}, nil},
	} {
		if _, err := caller(t, far, c.identity).Prepare(t.Context()); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestACallIsMadeOnceWhateverTheSDKTries(t *testing.T) {
	t.Parallel()
	far := porttest.NewHTTPFarEnd(t, porttest.HTTPSettings{})
	c := caller(t, far, awscalltest.Identity{Region: "ap-northeast-2"})
	settings, err := c.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if settings.Retryer().MaxAttempts() != 1 {
		t.Errorf("%d attempts", settings.Retryer().MaxAttempts())
	}
	call := post(settings, far.URL())
	answer, err := c.Once(t.Context(), func(ctx context.Context) error { return errors.Join(call(ctx), call(ctx)) })
	if err != nil || answer.Status != http.StatusAccepted || far.Begun() != 1 {
		t.Errorf("%+v (%v) after %d calls", answer, err, far.Begun())
	}
	if _, err := c.Once(t.Context(), func(context.Context) error { return errors.New("the SDK's own") }); !errors.Is(err, httpclient.ErrNotMade) || !strings.Contains(err.Error(), "the SDK's own") {
		t.Errorf("no call: %v", err)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ftp://x", "x", "https://", "%zz"} {
		if _, err := awscall.New(awscall.Config{URL: address}); !errors.Is(err, gateway.ErrConfig) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

var table = &answers.Table{Read: awscall.Read, Accepts: answers.NamesMessage, Rules: awscall.Common}

func TestWhatEveryServiceOfAWSAnswersMeansTheSame(t *testing.T) {
	t.Parallel()
	answerstest.Holds(t, table, table.List())
}

func TestTheTypeOfAnErrorIsReadWhereverAWSNamesIt(t *testing.T) {
	t.Parallel()
	for header, body := range map[string]string{
		"ThrottlingException": "{}", "ThrottlingException:http://internal.amazon.com/coral/x/": "<html>", "": `{"__type":"com.amazonaws.x#ThrottlingException"}`,
	} {
		answer := httpclient.Answer{Status: 400, Header: http.Header{"X-Amzn-Errortype": {header}}, Body: []byte(body)}
		if reply := awscall.Reply(table, answer, nil, time.Time{}); reply.Verdict != port.CallThrottled {
			t.Errorf("%q, %s: %+v", header, body, reply)
		}
	}
	if reply := awscall.Reply(table, httpclient.Answer{}, httpclient.ErrNotMade, time.Time{}); reply.Verdict != port.CallNotMade {
		t.Errorf("%+v", reply)
	}
}

func FuzzAnswersOfAWS(f *testing.F) { answerstest.Fuzz(f, table, false) }
