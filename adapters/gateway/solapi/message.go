package solapi

import (
	"encoding/json"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/textmessage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/cost"
)

// field names the reference among the custom fields, whose names have at most 30 characters and whose values at most 100
// (https://docs.solapi.com/api-reference/messages/sendsimplemessage).
const field = "balsong"

// request is one message. Its type is said, so that SOLAPI does not choose another one.
type request struct {
	Messages []message `json:"messages"`
	ShowList bool      `json:"showMessageList"` // its id is in the answer then
}

type message struct {
	To     string            `json:"to"`
	From   string            `json:"from"`
	Text   string            `json:"text,omitempty"`
	Type   string            `json:"type"`
	Detect bool              `json:"autoTypeDetect"`
	Title  string            `json:"subject,omitempty"`
	Kakao  *kakao            `json:"kakaoOptions,omitempty"`
	Fields map[string]string `json:"customFields,omitempty"`
}

// units is what SOLAPI charges a message as.
func (m message) units() cost.Units {
	switch m.Type {
	case "SMS":
		return cost.Units{Unit: cost.SMS, Count: 1}
	case "LMS":
		return cost.Units{Unit: cost.LMS, Count: 1}
	default:
		return cost.Units{Unit: cost.Message, Count: 1}
	}
}

// kakao is what AlimTalk has besides (https://docs.solapi.com/api-reference/messages/sendsimplemessage, kakaoOptions).
type kakao struct {
	Profile    string            `json:"pfId"`
	Template   string            `json:"templateId"`
	Variables  map[string]string `json:"variables,omitempty"` // by #{name}
	DisableSMS bool              `json:"disableSms"`          // always true: our route goes on, and the ledger knows of it
	Buttons    []button          `json:"buttons,omitempty"`
}

// button is one as SOLAPI's own library writes it (https://github.com/solapi/solapi-nodejs, kakaoButton.ts).
type button struct {
	Name    string `json:"buttonName"`
	Type    string `json:"buttonType"`
	Mobile  string `json:"linkMo,omitempty"`
	PC      string `json:"linkPc,omitempty"`
	Android string `json:"linkAnd,omitempty"`
	IOS     string `json:"linkIos,omitempty"`
}

// message is a delivery as SOLAPI takes it. What it does not take is refused without a call.
func (g *Gateway) message(d port.Delivery) (message, port.Reply) {
	if d.Channel == channel.AlimTalk {
		return g.alimTalk(d)
	}
	m, refusal := textmessage.Of(d)
	if refusal.Verdict != "" {
		return message{}, refusal
	}
	if m.Country != textmessage.Korea {
		return message{}, port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "nothing is sent to another country by SOLAPI: another channel may"}
	}
	one := message{To: m.Number, From: g.from, Text: m.Text, Type: "SMS", Title: m.Subject}
	if m.LMS {
		one.Type = "LMS"
	}
	return one, port.Reply{}
}

// alimTalk is an AlimTalk message. With variables SOLAPI makes the text, and the buttons, of its own copy of the template; one
// without variables is sent as it is, since SOLAPI wants a text or variables.
func (g *Gateway) alimTalk(d port.Delivery) (message, port.Reply) {
	number, ok := textmessage.KoreanNumber(d.Destination)
	if !ok {
		return message{}, port.Reply{Verdict: port.CallRefused, Class: attempt.Permanent, Detail: "the destination is no number in Korea: another channel may"}
	}
	m, refusal := gateway.ReadAlimTalk(d, g.provider.Name)
	if refusal.Verdict != "" {
		return message{}, refusal
	}
	one := message{To: number, From: g.from, Type: "ATA", Kakao: &kakao{Profile: g.profile, Template: m.Code, DisableSMS: true}}
	if len(m.Variables) == 0 {
		one.Text = m.Text
		for _, b := range m.Buttons {
			one.Kakao.Buttons = append(one.Kakao.Buttons, button{b.Name, b.Type, b.Mobile, b.PC, b.Android, b.IOS})
		}
		return one, port.Reply{}
	}
	one.Kakao.Variables = make(map[string]string, len(m.Variables))
	for name, value := range m.Variables {
		one.Kakao.Variables["#{"+name+"}"] = value
	}
	return one, port.Reply{}
}

func appendBody(to []byte, one message, ours string) []byte {
	if ours != "" {
		one.Fields = map[string]string{field: ours}
	}
	body, _ := json.Marshal(request{Messages: []message{one}, ShowList: true}) // texts cannot fail
	return append(to, body...)
}
