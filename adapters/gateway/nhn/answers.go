package nhn

import (
	"encoding/json"
	"fmt"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
)

// The pages that say what codes and answers mean.
const (
	codesPage = "https://docs.nhncloud.com/en/Notification/SMS/en/error-code/"
	guidePage = "https://docs.nhncloud.com/en/Notification/SMS/en/api-guide/"
)

// answer is what NHN Cloud answers to a message: whether the request was taken, and whether each recipient was. Both have a code,
// and the status is 200 either way.
type answer struct {
	Header struct {
		Successful bool         `json:"isSuccessful"`
		Code       answers.Text `json:"resultCode"`
		Message    answers.Text `json:"resultMessage"`
	} `json:"header"`
	Body struct {
		Data json.RawMessage `json:"data"` // an object, or in lists an array
	} `json:"body"`
}

// sent is the data of an answer to a message.
type sent struct {
	RequestID string       `json:"requestId"`
	Status    answers.Text `json:"statusCode"` // 1 requesting, 2 request completed, 3 request failed
	Results   []struct {
		Code      answers.Text `json:"resultCode"` // may be missing
		Message   answers.Text `json:"resultMessage"`
		Reference string       `json:"recipientGroupingKey"`
	} `json:"sendResultList"`
}

func read(raw []byte) answer {
	var a answer
	if json.Unmarshal(raw, &a) != nil {
		return answer{}
	}
	return a
}

func (a answer) succeeded() bool { return a.Header.Successful && a.Header.Code == "0" }

func (a answer) sent() (s sent, ok bool) {
	ok = a.succeeded() && len(a.Body.Data) > 0 && json.Unmarshal(a.Body.Data, &s) == nil
	return s, ok && len(s.Results) <= 1
}

// requestFailed stands for a request that failed as a whole without a code.
const requestFailed = "status 3"

func readSaid(raw []byte) answers.Said {
	a := read(raw)
	if !a.succeeded() {
		return answers.Said{Code: string(a.Header.Code), Message: string(a.Header.Message)}
	}
	s, ok := a.sent()
	if !ok {
		return answers.Said{}
	}
	if len(s.Results) == 1 && s.Results[0].Code != "" && s.Results[0].Code != "0" {
		return answers.Said{Code: string(s.Results[0].Code), Message: string(s.Results[0].Message)}
	}
	if s.Status == "3" {
		return answers.Said{Code: requestFailed}
	}
	return answers.Said{Code: "0", MessageID: s.RequestID}
}

// ofAnother reports whether an answer names another message than ours.
func ofAnother(raw []byte, ours string) bool {
	s, ok := read(raw).sent()
	return ok && ours != "" && len(s.Results) == 1 && s.Results[0].Reference != "" && s.Results[0].Reference != ours
}

// accepts takes a success that names the request alone for an acceptance: another server's 200 says nothing of the message.
func accepts(status int, said answers.Said) bool {
	return status/100 == 2 && said.Code == "0" && gateway.ValidMessageID(said.MessageID)
}

// rules are NHN Cloud's codes, under any status that is no 5xx: the documents show 200 alone. A 2xx whose code is not here leaves
// the outcome unknown; it can be asked for.
func rules() (all []answers.Rule) {
	add := func(code string, means gateway.Meaning, why, message string) {
		example := fmt.Sprintf(`200 {"header":{"isSuccessful":false,"resultCode":%s,"resultMessage":%q}}`, code, message)
		if code == requestFailed {
			example = `200 {"header":{"isSuccessful":true,"resultCode":0},"body":{"data":{"requestId":"20180810100630ReZQ6KZzAH0","statusCode":"3"}}}`
		}
		all = append(all, answers.Rule{Status: 2, Code: code, Means: means, Why: why, Source: codesPage, Examples: []string{example}},
			answers.Rule{Status: 4, Code: code, Means: means, Why: why, Source: codesPage})
	}
	add("-2018", gateway.Permanent, "no number", "RecipientNo can not be empty.")
	add("-2019", gateway.Permanent, "no such number", "RecipientNo is invalid.")
	add("-2015", gateway.Permanent, "longer than a text message may be: another channel's may not be", "Title or Body exceed maximum byte.")
	add("-2023", gateway.Permanent, "a character that text messages cannot have: another channel's may", "Unacceptable characters in title and body.")
	add("-2024", gateway.Permanent, "an LMS does not go abroad: another channel may", "LMS/MMS Type is not sent to outside of Korea.")
	add("-2044", gateway.Permanent, "nothing is sent to this number's country", "Invalid countryCode for sending.")
	add("-2048", gateway.Permanent, "longer than a text message abroad may be: another channel's may not be", "International message body exceed maximum length.")
	add("-6001", gateway.Permanent, "the customer has refused messages by a 080 number", "Recipient Number is refused.")
	add("-2014", gateway.Content, "the title or the text is empty", "The recipient can not be empty.")
	add("-6003", gateway.Content, "advertising without words about how to refuse it", "The body must contain block guide ment.")
	add("-2045", gateway.ProviderDoubted, "our project may not send abroad", "International sending blocked by service.")
	add("-2046", gateway.ProviderDoubted, "our project may not send to this number's country", "Blocked country by service.")
	add("-2047", gateway.ProviderDoubted, "our project's messages abroad of this month are used up", "Blocked by total indicator.")
	add("-2051", gateway.ProviderDoubted, "our project may not send to this number's country, by its rate of conversions", "Conversion rate is lower than threshold.")
	add("-2053", gateway.ProviderDoubted, "our messages of this day to this number's country are used up", "Blocked by the daily send limit by country.")
	add("-2052", gateway.Provider, "our organization's messages of this month are used up: NHN Cloud begins with 5,000", "Monthly limit exceeded.")
	add("-2312", gateway.Provider, "our sender number is not registered", "Not regist sendno.")
	add("-2313", gateway.Provider, "our sender number is blocked", "This sendno is blocked.")
	add("-1000", gateway.Provider, "our app key is none", "Invalid appKey.")
	add("-1001", gateway.Provider, "our app key is none", "Service does not exist.")
	add("-1002", gateway.Provider, "the service is switched off in our project", "Service is disabled.")
	add("-1003", gateway.Provider, "our key is not of the project", "Not project member id.")
	add("-1004", gateway.Provider, "our address may not send", "Not allow ip.")
	add("-1007", gateway.Provider, "our key is not taken", "MemberType is invalid.")
	add("-1008", gateway.Provider, "our project is blocked", "Service is blocked.")
	add("-9995", gateway.Provider, "our configured URL", "Invalid api version.")
	add("-9998", gateway.Provider, "our configured URL", "Not exist API.")
	add("-9996", gateway.ProviderDoubted, "our request", "Only application/json Content-type is supported.")
	add("-9997", gateway.ProviderDoubted, "our request", "Invalid API parameters.")
	add("-1005", gateway.ProviderDoubted, "our request", "Service parameter is invalid.")
	add("-1006", gateway.ProviderDoubted, "our request", "MessageType is invalid.")
	add("-2001", gateway.ProviderDoubted, "our request", "RecipientList can not be null.")
	add("4", gateway.ProviderDoubted, "our request", "Parameter validation failed")
	add("-2021", gateway.UnknownMeaning, "a failure of theirs while the message was stored", "System error. Failed insert queue.")
	add("-9999", gateway.UnknownMeaning, "a failure of theirs", "System error. Please inquire at support@toast.com.")
	add(requestFailed, gateway.UnknownMeaning, "the request failed, and nothing says how", "")
	return all
}

// table is NHN Cloud's. What comes later, as a result of a message (1001 and so on), is not in it.
var table = &answers.Table{
	Read: readSaid, Accepts: accepts, Rules: rules(),
	Accepted: []string{
		`200 {"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"data":{"requestId":"20180810100630ReZQ6KZzAH0","statusCode":"2","sendResultList":[{"recipientNo":"01000000000","resultCode":0,"resultMessage":"SUCCESS","recipientSeq":1}]}}}`,
	},
	Why: "the request was taken, and the recipient with it", Source: guidePage,
}

// Answers lists NHN Cloud's answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
