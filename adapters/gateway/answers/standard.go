package answers

import (
	"regexp"

	"github.com/balsong/balsong/adapters/gateway"
)

const semantics = "RFC 9110"

// proxyWords are those with which proxies say that they found no server to give a request to. Envoy's "upstream connect
// error or disconnect/reset before headers" is not among them: it also comes after the request was passed on.
var proxyWords = regexp.MustCompile(`(?i)503 Service Temporarily Unavailable|no server is available to handle this request|no healthy upstream`)

// standard is what the status says where a provider's own table says nothing: 3xx and 4xx do not accept a message, whatever
// the body, but for two that tell of a message that may have been accepted; 5xx does not only where a rule says so.
var standard = []Rule{
	{Status: 429, Header: true, Means: gateway.ThrottledAll, Why: "too much from us: every call waits as long as Retry-After says", Source: "RFC 6585, RFC 9110", Examples: []string{`{"code":"throttled","message":"rate limit"}`}},
	{Status: 429, Means: gateway.ThrottledAll, Why: "too much from us, for now", Source: "RFC 6585", Examples: []string{`{"code":"throttled","message":"rate limit"}`, `<html>Too Many Requests</html>`}},
	{Status: 401, Means: gateway.Provider, Why: "our token is refused", Source: semantics, Examples: []string{`{"code":"unauthorized","message":"invalid API key"}`}},
	{Status: 402, Means: gateway.Provider, Why: "our account has to be paid for", Source: semantics, Examples: []string{`{"message":"insufficient balance"}`}},
	{Status: 403, Means: gateway.Provider, Why: "our account or address may not send", Source: semantics, Examples: []string{`{"message":"account suspended"}`, `<html>Forbidden</html>`}},
	{Status: 404, Means: gateway.Provider, Why: "our configured URL", Source: semantics, Examples: []string{`{"code":"not_found","message":"no such path"}`}},
	{Status: 405, Means: gateway.Provider, Why: "our configured URL", Source: semantics, Examples: []string{`{"code":"method_not_allowed","message":"use POST"}`}},
	{Status: 407, Means: gateway.Provider, Why: "a proxy asks for a login", Source: semantics, Examples: []string{`<html>Proxy Authentication Required</html>`}},
	{Status: 408, Means: gateway.ThrottledAll, Why: "the request came too slowly, and was not taken", Source: semantics, Examples: []string{``}},
	{Status: 409, Means: gateway.UnknownMeaning, Why: "a conflict with what is there: a proxy on the way may have sent the request twice, and the first was accepted", Source: semantics + ", 15.5.10", Examples: []string{`{"message":"duplicate request"}`, `{"message":"conflict"}`}},
	{Status: 303, Means: gateway.UnknownMeaning, Why: "the answer to the request is elsewhere: it was done, whether or not the message was accepted", Source: semantics + ", 15.4.4", Examples: []string{``}},
	{Status: 426, Means: gateway.Provider, Why: "another protocol is asked for", Source: semantics, Examples: []string{``}},
	{Status: 4, Means: gateway.ProviderDoubted, Why: "our request, at least in doubt: not accepted, and no fault of the customer's", Source: semantics, Examples: []string{
		`400 {"code":"bad_request","message":"text is missing"}`, `400 <html>Bad Request</html>`, `406 `, `410 gone`, `413 {"code":"too_large","message":"too large"}`, `415 `, `422 {"message":"invalid parameter"}`, `451 `,
	}},
	{Status: 3, Means: gateway.Provider, Why: "our configured URL: a redirect is not followed", Source: semantics, Examples: []string{"301 ", "302 ", "307 ", "308 "}},
	{Status: 501, Means: gateway.Provider, Why: "our configured URL", Source: semantics, Examples: []string{``}},
	{Status: 505, Means: gateway.Provider, Why: "another protocol version is asked for", Source: semantics, Examples: []string{``}},
	{Status: 511, Means: gateway.Provider, Why: "a network on the way asks for a login", Source: "RFC 6585", Examples: []string{``}},
	{Status: 503, Header: true, Means: gateway.ThrottledAll, Why: "out of service, and it says until when", Source: semantics, Examples: []string{`<html>Maintenance</html>`}},
	{Status: 503, Words: proxyWords, Means: gateway.ThrottledAll, Why: "a proxy found no server to give the request to", Source: "nginx, AWS ALB, HAProxy, Envoy", Examples: []string{
		`<html><h1>503 Service Temporarily Unavailable</h1></html>`, `<html>No server is available to handle this request.</html>`, `no healthy upstream`,
	}},
	{Status: 503, Means: gateway.UnknownMeaning, Why: "some proxies say so after they have passed the request on", Source: "Envoy, Heroku", Examples: []string{`upstream connect error or disconnect/reset before headers. reset reason: connection termination`, `<html>Service Unavailable</html>`}},
	{Status: 5, Means: gateway.UnknownMeaning, Why: "the server failed, and does not say whether before or after it took the message", Source: semantics, Examples: []string{`500 <html>oops</html>`, `502 <html>Bad Gateway</html>`, `504 <html>Gateway Timeout</html>`}},
}
