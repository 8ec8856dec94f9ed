package solapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/adapters/gateway/solapi"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
	"github.com/balsong/balsong/domain/channel"
)

func provider(deadline time.Duration) port.Provider {
	return port.Provider{
		Name: "solapi", Channel: channel.SMS, CallDeadline: deadline, Lease: deadline + 2*time.Second, Margin: time.Second, InFlight: 100,
	}
}

// contract is SOLAPI's, as far as the suite needs it.
func contract(known *reference.References) *porttest.HTTPContract {
	failed := func(code, message string) string {
		return answer(http.StatusOK, "", fmt.Sprintf(`{"failedMessageList":[{"statusCode":%q,"statusMessage":%q}],"groupInfo":{"groupId":"G1","count":{"total":1,"registeredFailed":1,"registeredSuccess":0}},"messageList":[]}`, code, message))
	}
	return &porttest.HTTPContract{
		Read: func(r *http.Request, body []byte) (key, to string, ok bool) {
			var said struct {
				Messages []struct {
					To, From, Text, Type string
					CustomFields         map[string]string
					KakaoOptions         *struct {
						PfID, TemplateID string
						Variables        map[string]string
						DisableSms       bool
					}
				}
			}
			if json.Unmarshal(body, &said) != nil || len(said.Messages) != 1 || r.URL.Path != "/messages/v4/send-many/detail" ||
				!strings.HasPrefix(r.Header.Get("Authorization"), "HMAC-SHA256 apiKey=KEY, date=") {
				return "", "", false
			}
			one := said.Messages[0]
			about, err := known.Read(one.CustomFields["balsong"])
			whole := one.Type == "SMS" && one.Text != ""
			if k := one.KakaoOptions; k != nil {
				whole = one.Type == "ATA" && one.Text == "" && k.PfID == "KA01PF" && k.TemplateID == "BILL_01" && k.Variables["#{금액}"] == "52,000원" && k.DisableSms
			}
			return about.String(), one.To, err == nil && one.From == "029302266" && whole
		},
		Accepted: accepted,
		Answer: func(act porttest.FarAct, to, key string) string {
			switch act {
			case porttest.ActRefusePermanent:
				return failed("1060", "차단된 수신번호 "+to)
			case porttest.ActRefuseTemporary: // SOLAPI has no such refusal
				return failed("1024", "서버 오류 "+to)
			case porttest.ActRefuseContent: // nor one of a text for its own sake
				return failed("1029", "EUC-KR")
			case porttest.ActThrottle:
				return answer(http.StatusTooManyRequests, "Retry-After: 7\r\n", `{"errorCode":"TooManyRequests","errorMessage":"Too Many Requests"}`)
			case porttest.ActGarble:
				return answer(http.StatusInternalServerError, "", "<html>oops</html>")
			default:
				return accepted("m-17", key)
			}
		},
		Lacks: []porttest.FarAct{porttest.ActRefuseTemporary, porttest.ActRefuseContent},
	}
}

func accepted(id, _ string) string {
	return answer(http.StatusOK, "", `{"failedMessageList":[],"messageList":[{"messageId":"`+id+
		`","statusCode":"2000","statusMessage":"정상 접수(이통사로 접수 예정)"}],"groupInfo":{"groupId":"G1","count":{"total":1,"registeredFailed":0,"registeredSuccess":1}}}`)
}

func answer(status int, header, body string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", status, http.StatusText(status), header, len(body), body)
}

func TestSOLAPIKeepsThePortsPromises(t *testing.T) {
	t.Parallel()
	source, err := reference.NewSource(nil, strings.Repeat("s", 32))
	if err == nil {
		err = source.Prepare(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []channel.Kind{channel.SMS, channel.AlimTalk} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			porttest.HTTPGatewayOf(t, contract(source.Known()), func(t testing.TB, far porttest.HTTPFarEnd, deadline time.Duration) porttest.GatewayRig {
				p := provider(deadline)
				p.Channel = kind
				gateway, err := solapi.New(solapi.Config{
					Provider: p, URL: far.URL(), TLS: far.ClientTLS(), Key: "KEY", Secret: "s3cret", From: "02-930-2266", Profile: "KA01PF", References: source,
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(gateway.Close)
				return porttest.GatewayRig{Gateway: gateway, Far: far}
			})
		})
	}
}
