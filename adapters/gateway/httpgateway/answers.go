package httpgateway

import (
	"encoding/json"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
)

const contract = "docs/contract/http-gateway.md"

// table is the contract's.
var table = &answers.Table{
	Read:     read,
	Accepted: []string{`202 {"message_id":"SMS-17"}`, `200 {"message_id":17}`, `201 {}`, `202 OK`, `204 `},
	Why:      "the first digit says that it is accepted", Source: "RFC 9110, 15.3",
	Rules: []answers.Rule{
		{Status: 400, Code: "invalid_destination", Means: gateway.Permanent, Why: "no such number", Source: contract, Examples: []string{`{"code":"invalid_destination","message":"no such number"}`}},
		{Status: 410, Code: "unregistered", Means: gateway.Permanent, Why: "the app is gone from this device", Source: contract, Examples: []string{`{"code":"unregistered","message":"the app is no longer on this device"}`}},
		{Status: 400, Code: "content_rejected", Means: gateway.Content, Why: "this content will never be taken", Source: contract, Examples: []string{`{"code":"content_rejected","message":"the content is refused"}`}},
		{Status: 503, Code: "temporarily_refused", Means: gateway.TemporaryDoubted, Why: "not accepted; may be tried again", Source: contract, Examples: []string{`{"code":"temporarily_refused","message":"try again later"}`}},
	},
}

// body is what the contract lets an answer hold. Other servers write numbers where it has texts.
type body struct {
	MessageID answers.Text `json:"message_id"`
	Code      answers.Text `json:"code"`
	Message   answers.Text `json:"message"`
}

func read(raw []byte) answers.Said {
	var said body
	if json.Unmarshal(raw, &said) != nil {
		return answers.Said{}
	}
	return answers.Said{Code: string(said.Code), Message: string(said.Message), MessageID: string(said.MessageID)}
}

// Answers lists the contract's answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
