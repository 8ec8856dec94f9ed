// Package sestest sends bills by Amazon SES to moto, a server that answers as AWS does and that we did not write.
package sestest

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/balsong/balsong/adapters/awssecrets/mototest"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// role is an identity at moto.
type role struct{}

func (role) Config(context.Context) (aws.Config, error) {
	return aws.Config{Region: "ap-northeast-2", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, nil
}

func gateway(t *testing.T, endpoint string) *ses.Gateway {
	t.Helper()
	references, err := reference.NewSource(nil, "a-secret-of-32-characters-or-more")
	if err != nil {
		t.Fatal(err)
	}
	g, err := ses.New(ses.Config{
		Provider: port.Provider{Name: "ses", Channel: channel.Email, CallDeadline: 30 * time.Second, Lease: time.Minute, InFlight: 1},
		Identity: role{}, URL: endpoint, Sender: email.SenderIdentity{From: "Example Telecom <bills@example.com>"}, References: references,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestMotoTakesABillAsAmazonSESDoes(t *testing.T) {
	t.Parallel()
	endpoint := mototest.Start(t)
	g := gateway(t, endpoint)
	d := port.Delivery{
		Key: key.Delivery{Month: 24310, UserID: 4711}, Channel: channel.Email, Destination: "kim@example.com",
		Content: port.Variant{Subject: "청구서", Text: "청구 금액", HTML: "<p>청구 금액</p>"},
	}
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallRefused || reply.Class != attempt.Provider {
		t.Errorf("a sender that is not verified: %+v", reply)
	}
	if err := g.Check(t.Context()); err == nil && !strings.Contains(g.Limits(), "no verified identity") {
		t.Errorf("a check of a sender that is not verified says %q", g.Limits())
	}
	admin := sesv2.New(sesv2.Options{Region: "ap-northeast-2", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	if _, err := admin.CreateEmailIdentity(t.Context(), &sesv2.CreateEmailIdentityInput{EmailIdentity: aws.String("bills@example.com")}); err != nil {
		t.Fatal(err)
	}
	if reply := g.Send(t.Context(), d); reply.Verdict != port.CallAccepted || reply.MessageID == "" {
		t.Fatalf("%+v", reply)
	}
	taken := sent(t, endpoint)
	for _, want := range []string{"X-Idempotency-Key: " + d.Key.String(), "To: <kim@example.com>", "multipart/alternative"} {
		if !strings.Contains(taken, want) {
			t.Errorf("moto has no %q in:\n%s", want, taken)
		}
	}
}

// sent is what moto has taken, whatever it is.
func sent(t *testing.T, endpoint string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, endpoint+"/moto-api/data.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == '"' || r == '\\' }) {
		if plain, err := base64.StdEncoding.DecodeString(word); err == nil && len(plain) > 100 {
			text += string(plain)
		}
	}
	return text
}
