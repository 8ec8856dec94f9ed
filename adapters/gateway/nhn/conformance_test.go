package nhn_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

var secret = strings.Repeat("s", 32)

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "nhn", Channel: channel.SMS, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// contract is NHN Cloud's, as far as the suite needs it.
func contract(known *reference.References) *porttest.HTTPContract {
	refused := func(code int, message string) string {
		return answer(http.StatusOK, "", fmt.Sprintf(`{"header":{"isSuccessful":false,"resultCode":%d,"resultMessage":%q}}`, code, message))
	}
	return &porttest.HTTPContract{
		Read: func(r *http.Request, body []byte) (key, to string, ok bool) {
			var said struct {
				Body, SendNo  string
				RecipientList []struct{ RecipientNo, RecipientGroupingKey string }
			}
			if json.Unmarshal(body, &said) != nil || len(said.RecipientList) != 1 || r.URL.Path != "/sms/v3.0/appKeys/app-1/sender/sms" ||
				r.Header.Get("X-Secret-Key") != "s3cret" || said.Body == "" || said.SendNo != "15446859" {
				return "", "", false
			}
			about, err := known.Read(said.RecipientList[0].RecipientGroupingKey)
			return about.String(), said.RecipientList[0].RecipientNo, err == nil
		},
		Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return refused(-2019, "RecipientNo is invalid: "+to)
			case porttest.ActRefuseTemporary: // NHN Cloud has no such refusal
				return refused(-9999, "System error about "+to)
			case porttest.ActRefuseContent:
				return refused(-2014, "The recipient can not be empty.")
			case porttest.ActThrottle:
				return answer(http.StatusTooManyRequests, "Retry-After: 7\r\n", `{"header":{"isSuccessful":false,"resultCode":-429,"resultMessage":"Too Many Requests"}}`)
			case porttest.ActGarble:
				return answer(http.StatusInternalServerError, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary},
	}
}

func accepted(id, _ string) string {
	return answer(http.StatusOK, "", `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":"`+id+
		`","statusCode":"2","senderGroupingKey":null,"sendResultList":[{"recipientNo":"01000000000","resultCode":0,"resultMessage":"SUCCESS","recipientSeq":1}]}}}`)
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json;charset=UTF-8\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func TestNHNCloudKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	source, err := reference.NewSource(nil, secret)
	if err == nil {
		err = source.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	porttest.HTTPGatewayOf(t, contract(source.Known()), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		gateway, err := nhn.New(nhn.Config{
			Provider: provider(deadline), URL: far.URL(), TLS: far.ClientTLS(), AppKey: "app-1", SecretKey: "s3cret", From: "1544-6859", References: source,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gateway.Close)
		return porttest.GatewayRig{Gateway: gateway, Far: far}
	})
}
