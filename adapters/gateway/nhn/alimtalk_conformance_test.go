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
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

// alimTalkContract is NHN Cloud's of AlimTalk, as far as the suite needs it.
func alimTalkContract(known *reference.References) *porttest.HTTPContract {
	refused := func(code int, message string) string {
		return answer(http.StatusOK, "", fmt.Sprintf(`{"header":{"isSuccessful":false,"resultCode":%d,"resultMessage":%q}}`, code, message))
	}
	accepted := func(id, _ string) string {
		return answer(http.StatusOK, "", `{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"message":{"requestId":"`+id+
			`","senderGroupingKey":null,"sendResults":[{"recipientSeq":1,"recipientNo":"01000000000","resultCode":0,"resultMessage":"SUCCESS"}]}}`)
	}
	return &porttest.HTTPContract{
		Read: func(r *http.Request, body []byte) (key, to string, ok bool) {
			var said struct {
				SenderKey, TemplateCode string
				RecipientList           []struct {
					RecipientNo, RecipientGroupingKey string
					TemplateParameter                 map[string]string
					ResendParameter                   *struct{ IsResend *bool }
				}
			}
			if json.Unmarshal(body, &said) != nil || len(said.RecipientList) != 1 || r.URL.Path != "/alimtalk/v2.3/appkeys/app-1/messages" ||
				r.Header.Get("X-Secret-Key") != "s3cret" || said.TemplateCode != "BILL_01" || said.SenderKey != strings.Repeat("a", 40) {
				return "", "", false
			}
			one := said.RecipientList[0]
			about, err := known.Read(one.RecipientGroupingKey)
			return about.String(), one.RecipientNo, err == nil && r.Header.Get("X-NC-API-IDEMPOTENCY-KEY") == one.RecipientGroupingKey &&
				one.TemplateParameter["금액"] == "52,000원" && one.ResendParameter != nil && one.ResendParameter.IsResend != nil && !*one.ResendParameter.IsResend
		},
		Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return refused(-5000, "RecipientNo is invalid: "+to)
			case porttest.ActRefuseTemporary: // NHN Cloud has no such refusal
				return refused(-9999, "System error about "+to)
			case porttest.ActRefuseContent: // nor one of a text for its own sake
				return refused(-3010, "The contents are not matched to template.")
			case porttest.ActThrottle:
				return answer(http.StatusTooManyRequests, "Retry-After: 7\r\n", `{"header":{"isSuccessful":false,"resultCode":-429,"resultMessage":"Too Many Requests"}}`)
			case porttest.ActGarble:
				return answer(http.StatusInternalServerError, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary, porttest.ActRefuseContent},
	}
}

func TestNHNCloudsAlimTalkKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	source, err := reference.NewSource(nil, secret)
	if err == nil {
		err = source.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	porttest.HTTPGatewayOf(t, alimTalkContract(source.Known()), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
		p := provider(deadline)
		p.Channel = channel.AlimTalk
		gateway, err := nhn.NewAlimTalk(nhn.AlimTalkConfig{
			Provider: p, URL: far.URL(), TLS: far.ClientTLS(), AppKey: "app-1", SecretKey: "s3cret", SenderKey: strings.Repeat("a", 40), References: source,
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(gateway.Close)
		return porttest.GatewayRig{Gateway: gateway, Far: far}
	})
}
