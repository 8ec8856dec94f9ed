package httpclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
)

// sendEmail sends by the AWS SDK over a client of ours, and says what its gateway would: what the record and the error tell.
func sendEmail(ctx context.Context, c *Client, address string) string {
	ses := sesv2.New(sesv2.Options{
		Region: "ap-northeast-2", BaseEndpoint: aws.String(address), HTTPClient: c, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "example"}, nil
		}),
	})
	ctx, record := WithRecord(ctx)
	accepted, err := ses.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("bills@example.com"), Destination: &types.Destination{ToAddresses: []string{"kim@example.com"}},
		Content: &types.EmailContent{Raw: &types.RawMessage{Data: []byte("Subject: bill\r\n\r\nbill\r\n")}},
	})
	var answer *awshttp.ResponseError
	var refusal smithy.APIError
	switch {
	case err == nil:
		return "accepted " + aws.ToString(accepted.MessageId)
	case record.Sent() == 0:
		return fmt.Sprintf("not made, %t", errors.Is(err, ErrNotMade))
	case record.Sent() > 1:
		return "repeated"
	case errors.Is(err, ErrUnknown) || !errors.As(err, &answer) || answer.HTTPStatusCode() == 0: // the SDK wraps no answer in an empty one
		return fmt.Sprintf("unknown, %t", errors.Is(err, ErrUnknown))
	case errors.As(err, &refusal):
		return fmt.Sprintf("answered %d %s", answer.HTTPStatusCode(), refusal.ErrorCode())
	default:
		return fmt.Sprintf("answered %d", answer.HTTPStatusCode())
	}
}

func TestTheAWSSDKCallsOnceAndItsOutcomeCanBeTold(t *testing.T) {
	t.Parallel()
	body := func(status int, kind, content string) string {
		return fmt.Sprintf("HTTP/1.1 %d %s\r\nX-Amzn-ErrorType: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			status, http.StatusText(status), kind, len(content), content)
	}
	for _, c := range []struct {
		name, answer, want string
	}{
		{"accepted", body(200, "", `{"MessageId":"0100"}`), "accepted 0100"},
		{"throttled", body(429, "TooManyRequestsException", `{"message":"Maximum sending rate exceeded."}`), "answered 429 TooManyRequestsException"},
		{"suspended", body(400, "SendingPausedException", `{"message":"Sending paused"}`), "answered 400 SendingPausedException"},
		{"out of service", body(503, "", "<html>Service Unavailable</html>"), "answered 503"},
		{"failed", body(500, "InternalFailure", `{}`), "answered 500 InternalFailure"},
		{"a page with 200", body(200, "", "<html>hello</html>"), "answered 200"},
		{"a redirect", "HTTP/1.1 307 Temporary Redirect\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", "answered 307"},
		{"no end", body(200, "", `{"MessageId":"`+strings.Repeat("a", 20<<10)+`"}`), "unknown, true"},
		{"nothing", "", "unknown, true"},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", "unknown, true"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n{\"MessageId\"", "unknown, true"},
		{"no HTTP", "250 OK\r\n", "unknown, true"},
	} {
		for _, secure := range []bool{false, true} {
			s := newServer(t, secure, func(w io.Writer, _ int) bool {
				_, _ = io.WriteString(w, c.answer)
				return false
			})
			got := sendEmail(t.Context(), newClient(t, s.client), s.url)
			if !strings.HasPrefix(got, c.want) || s.calls.Load() != 1 {
				t.Errorf("%s, TLS %t: %s after %d calls, want %s", c.name, secure, got, s.calls.Load(), c.want)
			}
		}
	}
}

func TestTheAWSSDKDoesNotHideWhetherACallWasMade(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	arrived := make(chan struct{})
	s := newServer(t, true, func(io.Writer, int) bool {
		close(arrived)
		<-held
		return false
	})
	defer close(held)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	if got := sendEmail(ctx, newClient(t, s.client), s.url); got != "unknown, false" || s.calls.Load() != 1 { // the SDK hides the error
		t.Errorf("a context that ends inside: %s after %d calls", got, s.calls.Load())
	}
	if got := sendEmail(ctx, newClient(t, s.client), s.url); !strings.HasPrefix(got, "not made") || s.calls.Load() != 1 {
		t.Errorf("a context that has ended: %s after %d calls", got, s.calls.Load())
	}
	if got := sendEmail(t.Context(), newClient(t, nil), s.url); got != "not made, true" || s.calls.Load() != 1 {
		t.Errorf("an unknown certificate: %s after %d calls", got, s.calls.Load())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	if got := sendEmail(t.Context(), newClient(t, nil), "http://"+listener.Addr().String()); got != "not made, true" {
		t.Errorf("nobody listens: %s", got)
	}
	short := New(Config{CallDeadline: time.Nanosecond, TLS: s.client})
	defer short.Close()
	if got := sendEmail(t.Context(), short, s.url); got != "not made, true" || s.calls.Load() != 1 {
		t.Errorf("a deadline before the connection: %s after %d calls", got, s.calls.Load())
	}
}
