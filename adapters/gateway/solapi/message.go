package solapi

import (
	"encoding/json"
	"errors"

	"github.com/balsong/balsong/adapters/gateway/textmessage"
)

var errNotPrepared = errors.New("the references to delivery keys are not known yet")

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
	Text   string            `json:"text"`
	Type   string            `json:"type"`
	Detect bool              `json:"autoTypeDetect"`
	Title  string            `json:"subject,omitempty"`
	Fields map[string]string `json:"customFields,omitempty"`
}

func (g *Gateway) appendBody(to []byte, m textmessage.Message, ours string) []byte {
	one := message{To: m.Number, From: g.from, Text: m.Text, Type: "SMS", Title: m.Subject}
	if m.LMS {
		one.Type = "LMS"
	}
	if ours != "" {
		one.Fields = map[string]string{field: ours}
	}
	body, _ := json.Marshal(request{Messages: []message{one}, ShowList: true}) // texts cannot fail
	return append(to, body...)
}
