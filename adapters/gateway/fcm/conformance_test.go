package fcm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/fcm"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

const secret = "a-secret-of-32-characters-or-more"

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "fcm", Channel: channel.Push, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// tokens hold one token, which may be refused.
type tokens struct {
	token   string
	err     error
	refused chan string
}

func (k tokens) Prepare(context.Context) error { return k.err }
func (k tokens) Held() (string, bool)          { return k.token, k.token != "" }
func (k tokens) Refused(token string)          { k.refused <- token }

func held() tokens { return tokens{token: "ya29.token", refused: make(chan string, 10)} }

// sent is what FCM is asked for (https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send).
type sent struct {
	ValidateOnly bool `json:"validate_only"`
	Message      struct {
		Token        string
		Notification struct{ Title, Body string }
		Data         map[string]string
		Android      *struct {
			CollapseKey  string `json:"collapse_key"`
			TTL          string
			Notification struct{ Tag string }
		}
		APNs *struct{ Headers map[string]string }
	}
}

func references(t testing.TB) *reference.References {
	t.Helper()
	made, err := reference.New("", secret)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// contract is FCM's, as far as the suite needs it.
func contract(own *reference.References) *porttest.HTTPContract {
	return &porttest.HTTPContract{
		Accepted: accepted,
		Read: func(r *http.Request, body []byte) (key, to string, ok bool) {
			var call sent
			if json.Unmarshal(body, &call) != nil || r.URL.Path != "/v1/projects/bills-1/messages:send" || r.Header.Get("Authorization") != "Bearer ya29.token" {
				return "", "", false
			}
			about, err := own.Read(call.Message.Data["balsong"])
			return about.String(), call.Message.Token, err == nil && call.Message.Notification.Body != ""
		},
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return refusal(404, "UNREGISTERED", "Requested entity was not found: "+to, "")
			case porttest.ActThrottle:
				return refusal(429, "QUOTA_EXCEEDED", "Quota exceeded", "Retry-After: 7\r\n")
			case porttest.ActRefuseTemporary, porttest.ActGarble, porttest.ActRefuseContent: // FCM has neither refusal
				return answer(500, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary, porttest.ActRefuseContent},
	}
}

func accepted(id, _ string) string {
	return answer(http.StatusOK, "", `{"name":"projects/bills-1/messages/`+id+`"}`)
}

func refusal(status int, code, message, header string) string {
	return answer(status, header, fmt.Sprintf(`{"error":{"code":%d,"message":%q,"status":"X","details":[{"@type":"type.googleapis.com/google.firebase.fcm.v1.FcmError","errorCode":%q}]}}`, status, message, code))
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func config(t testing.TB, change func(*fcm.Config)) fcm.Config {
	t.Helper()
	source, err := reference.NewSource(nil, secret)
	if err != nil {
		t.Fatal(err)
	}
	c := fcm.Config{Provider: provider(5 * time.Second), Project: "bills-1", URL: "http://127.0.0.1:1", Tokens: held(), References: source}
	if change != nil {
		change(&c)
	}
	return c
}

func prepared(t testing.TB, change func(*fcm.Config)) *fcm.Gateway {
	t.Helper()
	g, err := fcm.New(config(t, change))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	if err := g.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFCMKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	porttest.HTTPGatewayOf(t, contract(references(t)), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		g := prepared(t, func(c *fcm.Config) { c.Provider, c.URL, c.TLS = provider(deadline), far.URL(), far.ClientTLS() })
		return porttest.GatewayRig{Gateway: g, Far: far}
	})
}

var errNone = errors.New("no token")
