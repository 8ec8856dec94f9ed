package awssms

import (
	"encoding/json"
	"regexp"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/awscall"
)

const sendErrors = "docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html"

// rule is for an error of a type, whose reason, or the field that it is about, is in the body.
func rule(kind, reason string, means gateway.Meaning, why, message string) answers.Rule {
	said := map[string]string{"__type": kind, "Message": message}
	r := answers.Rule{Status: 400, Code: awscall.Code(kind), Means: means, Why: why, Source: sendErrors}
	if reason != "" {
		said["Reason"], r.Words = reason, regexp.MustCompile(`\b`+reason+`\b`)
	}
	body, _ := json.Marshal(said) // texts cannot fail
	r.Examples = []string{string(body)}
	return r
}

// table is that of AWS End User Messaging SMS: the types and reasons as the SDK's sources name them.
var table = &answers.Table{
	Read:     awscall.Read,
	Accepts:  answers.NamesMessage,
	Accepted: []string{`200 {"MessageId":"862a8790-60c0-4430-9b2b-658bdexample"}`},
	Why:      "the message is taken", Source: sendErrors,
	Rules: append([]answers.Rule{
		rule("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT", gateway.Permanent, "the customer has answered STOP to our sender", "Destination phone number has opted out"),
		rule("ConflictException", "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE", gateway.Permanent, "our account blocks this number", "Destination phone number is blocked"),
		rule("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", gateway.ProviderDoubted, "our account blocks this number's country", "Destination country is blocked"),
		rule("ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", gateway.Provider, "our account is in the sandbox: it may write to verified numbers alone", "Destination phone number not verified"),
		rule("ConflictException", "", gateway.Provider, "our sender, pool or account is not in a state to send", "The origination identity is not active"),
		rule("ServiceQuotaExceededException", "", gateway.Provider, "our account's quota or spending limit is used up", "Monthly spend limit reached for text"),
		rule("ResourceNotFoundException", "", gateway.Provider, "our sender or configuration set is not there", "Resource not found"),
		rule("ValidationException", "DestinationPhoneNumber", gateway.Permanent, "no such number", "DestinationPhoneNumber is invalid"),
		rule("ValidationException", "MAXIMUM_SIZE_EXCEEDED", gateway.Permanent, "longer than a text message may be: another channel's may not be", "Message body is too long"),
		rule("ValidationException", "COUNTRY_NOT_ENABLED|DESTINATION_COUNTRY_BLOCKED|INVALID_IDENTITY_FOR_DESTINATION_COUNTRY|INTERNATIONAL_SENDING_NOT_SUPPORTED", gateway.ProviderDoubted, "our sender or account may not send to this number's country", "Country is not enabled"),
		rule("ValidationException", "", gateway.ProviderDoubted, "our request, at least in doubt", "A field is not valid"),
		{Status: 500, Code: "InternalServer", Means: gateway.UnknownMeaning, Why: "AWS does not say whether the message was taken", Source: sendErrors, Examples: []string{`{"__type":"InternalServerException","Message":"oops"}`}},
	}, awscall.Common...),
}

// Answers lists the answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
