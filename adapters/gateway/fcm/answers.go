package fcm

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
)

const (
	codes  = "firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode"
	google = "cloud.google.com/apis/design/errors"
)

// thirdParty says that APNs or a web push service refuses the project's own key there.
const thirdParty = "THIRD_PARTY_AUTH_ERROR"

func rule(status int, code, words string, means gateway.Meaning, why, source, message string) answers.Rule {
	r := answers.Rule{Status: status, Code: code, Means: means, Why: why, Source: source, Examples: []string{example(status, code, message)}}
	if words != "" {
		r.Words = regexp.MustCompile(`(?i)` + words)
	}
	return r
}

// example is an answer as FCM gives it.
func example(status int, code, message string) string {
	body, _ := json.Marshal(map[string]any{"error": map[string]any{ // texts and numbers cannot fail
		"code": status, "message": message, "details": []map[string]string{{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}},
	}})
	return string(body)
}

// table is that of FCM.
var table = &answers.Table{
	Read:     read,
	Accepts:  answers.NamesMessage,
	Accepted: []string{`200 {"name":"projects/bills-1/messages/0:1500415314455276%31bd1c9631bd1c96"}`},
	Why:      "the message is taken", Source: "firebase.google.com/docs/reference/fcm/rest/v1/projects.messages/send",
	Rules: []answers.Rule{
		rule(404, "UNREGISTERED", "", gateway.Permanent, "the app is not on the device any more, or has another token", codes, "Requested entity was not found."),
		rule(400, "INVALID_ARGUMENT", "registration token", gateway.Permanent, "no registration token", codes, "The registration token is not a valid FCM registration token"),
		rule(400, "INVALID_ARGUMENT", "too (?:big|large)", gateway.Permanent, "message too big: another channel's may not be", codes, "Android message is too big"),
		rule(400, "INVALID_ARGUMENT", "", gateway.ProviderDoubted, "our request, at least in doubt", codes, "Invalid value at 'message.android.ttl'"),
		rule(403, "SENDER_ID_MISMATCH", "", gateway.PermanentDoubted, "the token is of another project's app: of an old one, or all are where our project is the wrong one", codes, "SenderId mismatch"),
		rule(401, thirdParty, "", gateway.ProviderDoubted, "our project's key of APNs or of web push: no Android device is concerned", codes, "Auth error from APNS or Web Push Service"),
		rule(401, "UNAUTHENTICATED", "", gateway.Provider, "our token is refused", google, "Request had invalid authentication credentials."),
		rule(403, "PERMISSION_DENIED", "", gateway.Provider, "our service account may not send for the project, or its API is not enabled", google, "Permission 'cloudmessaging.messages.create' denied"),
		rule(404, "NOT_FOUND", "", gateway.Provider, "our project is not there", google, "Requested entity was not found."),
		rule(429, "QUOTA_EXCEEDED", "device", gateway.ThrottledOne, "too many messages to this device", codes, "Device message rate exceeded"),
		rule(429, "QUOTA_EXCEEDED", "", gateway.ThrottledAll, "more than our project's rate", codes, "Quota exceeded for quota metric 'Send requests'"),
		rule(500, "INTERNAL", "", gateway.UnknownMeaning, "FCM does not say whether the message was taken", codes, "Internal error encountered."),
		{Status: 503, Code: "UNAVAILABLE", Header: true, Means: gateway.ThrottledAll, Why: "FCM is overloaded, and says until when", Source: codes, Examples: []string{example(503, "UNAVAILABLE", "The service is currently unavailable.")}},
		rule(503, "UNAVAILABLE", "", gateway.UnknownMeaning, "FCM is overloaded, and does not say whether the message was taken", codes, "The service is currently unavailable."),
	},
}

// body is what FCM answers (https://firebase.google.com/docs/cloud-messaging/error-codes).
type body struct {
	Name  answers.Text `json:"name"`
	Error struct {
		Status  answers.Text `json:"status"`
		Message answers.Text `json:"message"`
		Details []struct {
			ErrorCode answers.Text `json:"errorCode"`
		} `json:"details"`
	} `json:"error"`
}

// read finds the code of FCM, or else Google's.
func read(raw []byte) answers.Said {
	var said body
	if json.Unmarshal(raw, &said) != nil {
		return answers.Said{}
	}
	code := string(said.Error.Status)
	for _, detail := range said.Error.Details {
		if detail.ErrorCode != "" {
			code = string(detail.ErrorCode)
		}
	}
	id := string(said.Name)
	return answers.Said{Code: code, Message: string(said.Error.Message), MessageID: id[strings.LastIndexByte(id, '/')+1:]}
}

// Answers lists FCM's answers for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
