package ses_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/awscall/awscalltest"
	"github.com/balsong/balsong/adapters/gateway/email"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "ses", Channel: channel.Email, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// sent is the body of SendEmail (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).
type sent struct {
	FromEmailAddress, ConfigurationSetName, FeedbackForwardingEmailAddress string

	Content     struct{ Raw struct{ Data []byte } }
	Destination struct{ ToAddresses []string }
	EmailTags   []struct{ Name, Value string }
}

// contract is that of SES, as far as the suite needs it: errors as the SDK's sources read them.
func contract() *porttest.HTTPContract {
	return &porttest.HTTPContract{
		Read: read, Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return refusal(400, "BadRequestException", "Missing final '@domain' in "+to, "")
			case porttest.ActRefuseTemporary: // SES has no such refusal
				return refusal(500, "InternalFailure", "oops for "+to, "")
			case porttest.ActRefuseContent:
				return refusal(400, "MessageRejected", "Transaction failed: Expected disposition, got null", "")
			case porttest.ActThrottle:
				return refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.", "Retry-After: 7\r\n")
			case porttest.ActGarble:
				return answer(500, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary},
	}
}

func read(r *http.Request, body []byte) (key, to string, ok bool) {
	var call sent
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/")
	if json.Unmarshal(body, &call) != nil || r.URL.Path != "/v2/email/outbound-emails" || !signed || len(call.Destination.ToAddresses) != 1 {
		return "", "", false
	}
	letter, err := mail.ReadMessage(bytes.NewReader(call.Content.Raw.Data))
	if err != nil {
		return "", "", false
	}
	return letter.Header.Get("X-Idempotency-Key"), call.Destination.ToAddresses[0], true
}

func accepted(id, _ string) string { return answer(http.StatusOK, "", `{"MessageId":"`+id+`"}`) }

func refusal(status int, code, message, header string) string {
	body, _ := json.Marshal(map[string]string{"message": message})
	return answer(status, "X-Amzn-ErrorType: "+code+"\r\n"+header, string(body))
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func TestSESKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.HTTPGatewayOf(t, contract(), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		g := prepared(t, func(c *ses.Config) { c.Provider, c.URL, c.TLS = provider(deadline), far.URL(), far.ClientTLS() })
		return porttest.GatewayRig{Gateway: g, Far: far}
	})
}

func config(change func(*ses.Config)) ses.Config {
	c := ses.Config{
		Provider: provider(5 * time.Second), Identity: awscalltest.Identity{Region: "ap-northeast-2"}, URL: "http://127.0.0.1:1",
		Sender: email.SenderIdentity{From: "Example Telecom <bills@example.com>", ReplyTo: "help@example.com"},
	}
	if change != nil {
		change(&c)
	}
	return c
}

func prepared(t testing.TB, change func(*ses.Config)) *ses.Gateway {
	t.Helper()
	g, err := ses.New(config(change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}
