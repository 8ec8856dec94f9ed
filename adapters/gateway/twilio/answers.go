package twilio

import (
	"encoding/json"
	"strconv"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/domain/cost"
)

// page is where Twilio explains a code.
func page(code string) string { return "https://www.twilio.com/docs/api/errors/" + code }

// rule is one of Twilio's codes. Twilio advises against logic that depends on codes, because it adds some that were part of
// others (its changelog of 2024-07-10): so a code that is not here means what its status means to everybody.
func rule(status int, code string, means gateway.Meaning, why, example string) answers.Rule {
	return answers.Rule{Status: status, Code: code, Means: means, Why: why, Source: page(code), Examples: []string{example}}
}

// table is Twilio's. What comes later, as a report about a message (30003 and the like), is not in it.
var table = &answers.Table{
	Read:     read,
	Accepts:  answers.NamesMessage,
	Accepted: []string{`201 {"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}`},
	Why:      "the message is queued", Source: "https://www.twilio.com/docs/messaging/api/message-resource",
	Rules: []answers.Rule{
		rule(4, "21211", gateway.Permanent, "no such number", `400 {"code":21211,"message":"The 'To' number +15005550001 is not a valid phone number.","status":400}`),
		rule(4, "21265", gateway.Permanent, "a short code cannot be written to", `400 {"code":21265,"message":"'To' number cannot be a Short Code","status":400}`),
		rule(4, "21610", gateway.Permanent, "the customer has answered STOP to this sender", `400 {"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}`),
		rule(4, "21614", gateway.Permanent, "no mobile number", `400 {"code":21614,"message":"'To' number is not a valid mobile number","status":400}`),
		rule(4, "21635", gateway.Permanent, "a landline", `400 {"code":21635,"message":"'To' number cannot be a landline","status":400}`),
		rule(4, "21617", gateway.Permanent, "longer than a text message may be: another channel's may not be", `400 {"code":21617,"message":"The concatenated message body exceeds the 1600 character limit","status":400}`),
		rule(4, "21612", gateway.PermanentDoubted, "our sender may not write to this number's country or network, or Twilio reaches neither: another channel does", `400 {"code":21612,"message":"Message cannot be sent with the current combination of 'To' and/or 'From' parameters","status":400}`),
		rule(4, "21266", gateway.Permanent, "the number is our sender's own", `400 {"code":21266,"message":"'To' and 'From' numbers cannot be the same","status":400}`),
		rule(4, "21408", gateway.ProviderDoubted, "our account may not send to this number's country", `400 {"code":21408,"message":"Permission to send an SMS has not been enabled for the region indicated by the 'To' number","status":400}`),
		rule(4, "21602", gateway.Content, "the text is empty", `400 {"code":21602,"message":"Message body is required.","status":400}`),
		rule(4, "21611", gateway.ThrottledAll, "ten hours of messages wait at our sender", `429 {"code":21611,"message":"This 'From' number has exceeded the maximum number of queued messages","status":429}`),
		rule(429, "20429", gateway.ThrottledAll, "too many calls at once; never processed", `{"code":20429,"message":"Too Many Requests","status":429}`),
		rule(4, "20003", gateway.Provider, "our key is refused, or the account is suspended", `401 {"code":20003,"message":"Authenticate","status":401}`),
		rule(4, "20005", gateway.Provider, "our account is not active", `401 {"code":20005,"message":"Account not active","status":401}`),
		rule(4, "20403", gateway.Provider, "our account is suspended or closed", `403 {"code":20403,"message":"Forbidden","status":403}`),
		rule(4, "10001", gateway.Provider, "our account is not active", `401 {"code":10001,"message":"Account is not active","status":401}`),
		rule(4, "21601", gateway.Provider, "our sender is not ours", `400 {"code":21601,"message":"Phone number is not a valid SMS-capable inbound phone number","status":400}`),
		rule(4, "21212", gateway.Provider, "our sender is no number", `400 {"code":21212,"message":"The 'From' number is not a valid phone number, shortcode, or alphanumeric sender ID.","status":400}`),
		rule(4, "21603", gateway.Provider, "no sender is set", `400 {"code":21603,"message":"A 'From' or 'MessagingServiceSid' parameter is required to send a message","status":400}`),
		rule(4, "21661", gateway.Provider, "our sender cannot send text messages", `400 {"code":21661,"message":"'From' number is not SMS-capable","status":400}`),
		rule(4, "21608", gateway.Provider, "our account is on trial: it may write to verified numbers alone", `400 {"code":21608,"message":"The 'to' phone number provided is not yet verified for this account.","status":400}`),
		rule(4, "21609", gateway.Provider, "our status URL", `400 {"code":21609,"message":"Invalid 'StatusCallback'","status":400}`),
		rule(4, "63038", gateway.Provider, "our account's messages of 24 hours are used up", `429 {"code":63038,"message":"Account exceeded the daily messages limit","status":429}`),
		rule(4, "21606", gateway.ProviderDoubted, "our sender, or our sender in this number's country", `400 {"code":21606,"message":"The 'From' phone number provided is not a valid message-capable Twilio phone number for this destination/account","status":400}`),
		rule(4, "21657", gateway.ProviderDoubted, "our sender is not registered in this number's country", `400 {"code":21657,"message":"The Sender ID is invalid","status":400}`),
		rule(4, "21659", gateway.ProviderDoubted, "our sender is not Twilio's, or a short code of another country", `400 {"code":21659,"message":"'From' is not a Twilio phone number or Short Code country mismatch","status":400}`),
		rule(500, "20500", gateway.UnknownMeaning, "Twilio says that a repetition may send twice", `{"code":20500,"message":"Internal Server Error","status":500}`),
		rule(503, "20503", gateway.UnknownMeaning, "Twilio does not say whether the message was taken", `{"code":20503,"message":"Service unavailable","status":503}`),
	},
}

// body is what Twilio answers (https://www.twilio.com/docs/usage/twilios-response): a message, or an error.
type body struct {
	SID     answers.Text `json:"sid"`
	Code    answers.Text `json:"code"`
	Message answers.Text `json:"message"`
	Parts   answers.Text `json:"num_segments"` // 0 of a messaging service, which has not picked the sender yet
}

func read(raw []byte) answers.Said {
	var said body
	if json.Unmarshal(raw, &said) != nil {
		return answers.Said{}
	}
	found := answers.Said{Code: string(said.Code), Message: string(said.Message), MessageID: string(said.SID)}
	if parts, err := strconv.Atoi(string(said.Parts)); err == nil && parts > 0 && parts <= cost.MaxCount {
		found.Units = cost.Units{Unit: cost.Segment, Count: parts}
	}
	return found
}

// Answers lists Twilio's answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
