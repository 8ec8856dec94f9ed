package awscall

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
)

const commonErrors = "docs.aws.amazon.com/sns/latest/api/CommonErrors.html"

// Common are the rules for what every service of AWS may answer. Whatever is not in them means what its status means.
var Common = []answers.Rule{
	common("ThrottlingException", gateway.ThrottledAll, "too many calls for now", "Rate exceeded"),
	common("Throttling", gateway.ThrottledAll, "too many calls for now", "Rate exceeded"),
	common("RequestExpired", gateway.Provider, "this machine's clock", "Request has expired."),
	common("ExpiredTokenException", gateway.Provider, "our credentials have expired", "The security token included in the request is expired"),
	common("UnrecognizedClientException", gateway.Provider, "our credentials are none of AWS's", "The security token included in the request is invalid."),
	common("InvalidSignatureException", gateway.Provider, "our credentials, or this machine's clock", "Signature expired"),
	common("IncompleteSignature", gateway.Provider, "our signature", "The request signature does not conform to AWS standards."),
	common("MissingAuthenticationToken", gateway.Provider, "our request has no signature", "Missing Authentication Token"),
	common("NotAuthorized", gateway.Provider, "our role may not send", "You do not have permission to perform this action."),
	common("OptInRequired", gateway.Provider, "our account has not subscribed to the service", "The AWS access key ID needs a subscription for the service"),
	common("AccessDeniedException", gateway.Provider, "our role may not send", "User is not authorized to perform the action"),
}

func common(kind string, means gateway.Meaning, why, words string) answers.Rule {
	body, _ := json.Marshal(map[string]string{"__type": kind, "message": words})
	return answers.Rule{Status: 4, Code: Code(kind), Means: means, Why: why, Source: commonErrors, Examples: []string{"400 " + string(body)}}
}

// body is what AWS answers in JSON.
type body struct {
	Type      answers.Text `json:"__type"`
	Message   answers.Text `json:"message"`
	MessageID answers.Text `json:"MessageId"`
}

// Read reads the body of an answer: an error with its type, or the id of a message.
func Read(raw []byte) answers.Said {
	var said body
	if json.Unmarshal(raw, &said) != nil {
		return answers.Said{}
	}
	return answers.Said{Code: Code(string(said.Type)), Message: string(said.Message), MessageID: string(said.MessageID)}
}

// Code is an error's type without its namespace before it, the address behind it and the word Exception, which makes some so long
// that they would be masked as a token.
func Code(kind string) string {
	if _, name, spaced := strings.Cut(kind, "#"); spaced {
		kind = name
	}
	kind, _, _ = strings.Cut(kind, ":")
	return strings.TrimSuffix(kind, "Exception")
}

// Reply says what an answer means. AWS names an error's type in a header, or in the body.
func Reply(table *answers.Table, answer httpclient.Answer, err error, now time.Time) port.Reply {
	if err != nil {
		return table.Reply(answer, err, now)
	}
	said := table.Read(answer.Body)
	if kind := answer.Header.Get("X-Amzn-Errortype"); kind != "" {
		said.Code = Code(kind)
	}
	return table.ReplyTo(answer.Status, answer.Header.Get("Retry-After"), said, answer.Body, now)
}

// CodeOf is the type of an answer's error, as Code writes it: from the header, or from the body. "" where it names none.
func CodeOf(answer httpclient.Answer) string {
	if kind := answer.Header.Get("X-Amzn-Errortype"); kind != "" {
		return Code(kind)
	}
	return Read(answer.Body).Code
}
