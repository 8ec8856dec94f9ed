package nhn

import (
	"encoding/json"

	"github.com/balsong/balsong/adapters/gateway/textmessage"
)

// Where messages of a project are sent and asked for (https://docs.nhncloud.com/en/Notification/SMS/en/api-guide/).
const (
	smsPath = "/sender/sms"
	lmsPath = "/sender/mms" // LMS is MMS without a file there
)

// request is a message to one recipient. It names no template, so that ## in a text is no placeholder, and no time.
type request struct {
	Title      string      `json:"title,omitempty"`
	Body       string      `json:"body"`
	From       string      `json:"sendNo"`
	Recipients []recipient `json:"recipientList"`
}

type recipient struct {
	Number        string `json:"recipientNo,omitempty"`
	International string `json:"internationalRecipientNo,omitempty"` // with the country's code; not looked at beside recipientNo
	Reference     string `json:"recipientGroupingKey,omitempty"`     // at most 100 characters
}

func (g *Gateway) appendBody(to []byte, m textmessage.Message, ours string) []byte {
	r := recipient{Number: m.Number, Reference: ours}
	if m.Country == "" {
		r.Number, r.International = "", m.Number
	}
	body, _ := json.Marshal(request{Title: m.Subject, Body: m.Text, From: g.from, Recipients: []recipient{r}}) // texts cannot fail
	return append(to, body...)
}
