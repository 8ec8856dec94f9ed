package twilio_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

const account = "AC0123456789abcdef0123456789abcdef"

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "sms", Channel: channel.SMS, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// contract is Twilio's, as far as the suite needs it: errors as on https://www.twilio.com/docs/usage/twilios-response.
func contract() *porttest.HTTPContract {
	return &porttest.HTTPContract{
		Read: read, Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			refusal := func(status, code int, message, header string) string {
				return answer(status, header, fmt.Sprintf(`{"code":%d,"message":%q,"more_info":"https://www.twilio.com/docs/errors/%d","status":%d}`, code, message, code, status))
			}
			switch act {
			case porttest.ActRefusePermanent:
				return refusal(400, 21211, "The 'To' number "+to+" is not a valid phone number.", "")
			case porttest.ActRefuseTemporary: // Twilio has no such refusal
				return refusal(503, 20503, "Service unavailable for "+to, "")
			case porttest.ActRefuseContent:
				return refusal(400, 21602, "Message body is required.", "")
			case porttest.ActThrottle:
				return refusal(429, 20429, "Too Many Requests", "Retry-After: 7\r\n")
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
	form, err := url.ParseQuery(string(body))
	if err != nil || r.URL.Path != "/2010-04-01/Accounts/"+account+"/Messages.json" {
		return "", "", false
	}
	status, err := url.Parse(form.Get("StatusCallback"))
	user, secret, basic := r.BasicAuth()
	ok = err == nil && basic && user == "SK1" && secret == "s3cret" && strings.HasPrefix(form.Get("To"), "+82") && form.Get("Body") != ""
	return status.Query().Get("key"), form.Get("To"), ok
}

func accepted(id, _ string) string {
	return answer(http.StatusCreated, "", `{"sid":"`+id+`","status":"queued","error_code":null,"error_message":null}`)
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func TestTwilioKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.HTTPGatewayOf(t, contract(), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		gateway, err := twilio.New(twilio.Config{
			Provider: provider(deadline), URL: far.URL(), TLS: far.ClientTLS(), Account: account, Key: "SK1", Secret: "s3cret",
			From: "+15005550006", StatusURL: "https://reports.example.com/twilio?x=1",
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gateway.Close)
		return porttest.GatewayRig{Gateway: gateway, Far: far}
	})
}
