package httpgateway

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/application/port"
)

// rule says what some answers mean that do not accept a message. Of those that fit an answer the first one counts.
// examples are bodies as servers give them; docs/operations/answers.md shows what becomes of each, and a test sends one of
// each class through the whole system.
type rule struct {
	status   int    // 400; 4: every other 4xx
	code     string // of the contract; "": any, or none
	header   bool   // only with Retry-After
	words    *regexp.Regexp
	means    gateway.Meaning // of class "": whether the message was taken cannot be told
	why      string
	source   string
	examples []string
}

// proxyWords are those with which proxies say that they found no server to give a request to. Envoy's "upstream connect
// error or disconnect/reset before headers" is not among them: it also comes after the request was passed on.
var proxyWords = regexp.MustCompile(`(?i)503 Service Temporarily Unavailable|no server is available to handle this request|no healthy upstream`)

const (
	contract = "docs/contract/http-gateway.md"
	semantic = "RFC 9110"
)

var rules = []rule{
	{status: 400, code: "invalid_destination", means: gateway.Permanent, why: "no such number", source: contract, examples: []string{`{"code":"invalid_destination","message":"no such number"}`}},
	{status: 410, code: "unregistered", means: gateway.Permanent, why: "the app is gone from this device", source: contract, examples: []string{`{"code":"unregistered","message":"the app is no longer on this device"}`}},
	{status: 400, code: "content_rejected", means: gateway.Content, why: "this content will never be taken", source: contract, examples: []string{`{"code":"content_rejected","message":"the content is refused"}`}},
	{status: 503, code: "temporarily_refused", means: gateway.TemporaryDoubted, why: "not accepted; may be tried again", source: contract, examples: []string{`{"code":"temporarily_refused","message":"try again later"}`}},
	{status: 429, header: true, means: gateway.ThrottledAll, why: "too much from us: every call waits as long as Retry-After says", source: "RFC 6585, RFC 9110", examples: []string{`{"code":"throttled","message":"rate limit"}`}},
	{status: 429, means: gateway.ThrottledAll, why: "too much from us, for now", source: "RFC 6585", examples: []string{`{"code":"throttled","message":"rate limit"}`, `<html>Too Many Requests</html>`}},
	{status: 401, means: gateway.Provider, why: "our token is refused", source: semantic, examples: []string{`{"code":"unauthorized","message":"invalid API key"}`}},
	{status: 402, means: gateway.Provider, why: "our account has to be paid for", source: semantic, examples: []string{`{"message":"insufficient balance"}`}},
	{status: 403, means: gateway.Provider, why: "our account or address may not send", source: semantic, examples: []string{`{"message":"account suspended"}`, `<html>Forbidden</html>`}},
	{status: 404, means: gateway.Provider, why: "our configured URL", source: semantic, examples: []string{`{"code":"not_found","message":"no such path"}`}},
	{status: 405, means: gateway.Provider, why: "our configured URL", source: semantic, examples: []string{`{"code":"method_not_allowed","message":"use POST"}`}},
	{status: 407, means: gateway.Provider, why: "a proxy asks for a login", source: semantic, examples: []string{`<html>Proxy Authentication Required</html>`}},
	{status: 408, means: gateway.ThrottledAll, why: "the request came too slowly, and was not taken", source: semantic, examples: []string{``}},
	{status: 426, means: gateway.Provider, why: "another protocol is asked for", source: semantic, examples: []string{``}},
	{status: 4, means: gateway.ProviderDoubted, why: "our request, at least in doubt: not accepted, and no fault of the customer's", source: semantic, examples: []string{
		`400 {"code":"bad_request","message":"text is missing"}`, `400 <html>Bad Request</html>`, `406 `, `409 {"message":"conflict"}`, `410 gone`, `413 {"code":"too_large","message":"too large"}`, `415 `, `422 {"message":"invalid parameter"}`, `451 `,
	}},
	{status: 3, means: gateway.Provider, why: "our configured URL: a redirect is not followed", source: semantic, examples: []string{"301 ", "302 ", "307 ", "308 "}},
	{status: 501, means: gateway.Provider, why: "our configured URL", source: semantic, examples: []string{``}},
	{status: 505, means: gateway.Provider, why: "another protocol version is asked for", source: semantic, examples: []string{``}},
	{status: 511, means: gateway.Provider, why: "a network on the way asks for a login", source: "RFC 6585", examples: []string{``}},
	{status: 503, header: true, means: gateway.ThrottledAll, why: "out of service, and it says until when", source: semantic, examples: []string{`<html>Maintenance</html>`}},
	{status: 503, words: proxyWords, means: gateway.ThrottledAll, why: "a proxy found no server to give the request to", source: "nginx, AWS ALB, HAProxy, Envoy", examples: []string{
		`<html><h1>503 Service Temporarily Unavailable</h1></html>`, `<html>No server is available to handle this request.</html>`, `no healthy upstream`,
	}},
	{status: 503, means: gateway.UnknownMeaning, why: "some proxies say so after they have passed the request on", source: "Envoy, Heroku", examples: []string{`upstream connect error or disconnect/reset before headers. reset reason: connection termination`, `<html>Service Unavailable</html>`}},
	{status: 5, means: gateway.UnknownMeaning, why: "the server failed, and does not say whether before or after it took the message", source: semantic, examples: []string{`500 <html>oops</html>`, `502 <html>Bad Gateway</html>`, `504 <html>Gateway Timeout</html>`}},
}

// body is what the contract lets an answer hold. Other servers write numbers where it has texts.
type body struct {
	MessageID text `json:"message_id"`
	Code      text `json:"code"`
	Message   text `json:"message"`
}

// text is a JSON string, or a number as it is written; "" for everything else.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil && len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		s = string(raw)
	}
	*t = text(s)
	return nil
}

// httpReply turns an answer into a reply. A status 2xx means that the message was accepted, 3xx and 4xx that it was not,
// whatever the body; 5xx only where the rules say so. Its Detail is not masked yet.
func httpReply(status int, retryAfter string, raw []byte, now time.Time) port.Reply {
	var said body
	if len(raw) > maxBody || json.Unmarshal(raw, &said) != nil {
		said = body{}
	}
	if status/100 == 2 {
		if id := string(said.MessageID); gateway.ValidMessageID(id) {
			return port.Reply{Verdict: port.CallAccepted, MessageID: id}
		}
		return port.Reply{Verdict: port.CallAccepted, Detail: detail(status, said, raw)}
	}
	found := findRule(status, string(said.Code), retryAfter, raw)
	if found.means.Class == "" {
		reply := gateway.Unknown(detail(status, said, raw))
		reply.Answered = true
		return reply
	}
	return found.means.Reply(detail(status, said, raw), waitFor(retryAfter, now))
}

func findRule(status int, code, retryAfter string, raw []byte) rule {
	for _, r := range rules {
		if (r.status == status || r.status == status/100) && (r.code == "" || r.code == code) && (!r.header || retryAfter != "") &&
			(r.words == nil || r.words.Match(raw)) {
			return r
		}
	}
	return rule{} // a status that HTTP does not have
}

// tags are those of HTML, in which proxies answer.
var tags = regexp.MustCompile(`<[^>]*>`)

// detail is what an answer said: the status, and the contract's code and message, or else the beginning of the body.
func detail(status int, said body, raw []byte) string {
	words := strings.Trim(string(said.Code)+": "+string(said.Message), ": ")
	if words == "" {
		words = strings.Join(strings.Fields(tags.ReplaceAllString(string(raw[:min(len(raw), 4<<10)]), " ")), " ")
	}
	number := strconv.Itoa(status)
	return strings.TrimSpace(number + " " + strings.TrimSpace(strings.TrimPrefix(words, number))) // twice in a row it would be masked as a telephone number
}

// waitFor reads Retry-After (RFC 9110, 10.2.3): seconds or a date; 0 where it says nothing useful.
func waitFor(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(seconds)*time.Second, gateway.MaxWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), gateway.MaxWait)
	}
	return 0
}

// Answers lists the answers of docs/operations/answers.md with what becomes of each.
func Answers() []gateway.Answer {
	list := []gateway.Answer{}
	for _, said := range []string{`202 {"message_id":"SMS-17"}`, `200 {"message_id":17}`, `201 {}`, `202 OK`, `204 `} {
		list = append(list, gateway.Answer{Said: said, Verdict: port.CallAccepted, Why: "the first digit says that it is accepted", Source: "RFC 9110, 15.3"})
	}
	for _, r := range rules {
		for _, said := range r.examples {
			if r.status >= 100 {
				said = strconv.Itoa(r.status) + " " + said
			}
			if r.header {
				said += ", with Retry-After"
			}
			verdict := port.CallUnknown
			if r.means.Class != "" {
				verdict = r.means.Reply("", 0).Verdict
			}
			list = append(list, gateway.Answer{Said: strings.TrimSpace(said), Verdict: verdict, Meaning: r.means, Why: r.why, Source: r.source})
		}
	}
	return list
}
