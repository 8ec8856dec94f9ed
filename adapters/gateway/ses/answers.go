package ses

import (
	"encoding/json"
	"regexp"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/awscall"
)

const (
	sendErrors = "docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html"
	rejections = "docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html"
	quotas     = "docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html"
)

func rule(status int, code, words string, means gateway.Meaning, why, source, example string) answers.Rule {
	body, _ := json.Marshal(map[string]string{"__type": code, "message": example})
	r := answers.Rule{Status: status, Code: awscall.Code(code), Means: means, Why: why, Source: source, Examples: []string{string(body)}}
	if words != "" {
		r.Words = regexp.MustCompile(`(?i)` + words)
	}
	return r
}

// table is that of SES v2.
var table = &answers.Table{
	Read:     awscall.Read,
	Accepts:  answers.NamesMessage,
	Accepted: []string{`200 {"MessageId":"0100018f-aaaa-bbbb-cccc-000000000000-000000"}`},
	Why:      "the message is taken", Source: sendErrors,
	Rules: append([]answers.Rule{
		rule(429, "TooManyRequestsException", "daily", gateway.Provider, "our quota of 24 hours is used up", quotas, "Daily message quota exceeded."),
		rule(429, "TooManyRequestsException", "", gateway.ThrottledAll, "more than our account's rate", quotas, "Maximum sending rate exceeded."),
		rule(400, "ThrottlingException", "daily", gateway.Provider, "our quota of 24 hours is used up", quotas, "Daily message quota exceeded."),
		rule(400, "LimitExceededException", "", gateway.Provider, "our quota is used up", sendErrors, "Daily message quota exceeded."),
		rule(400, "SendingPausedException", "", gateway.Provider, "sending is paused for our account or configuration set", sendErrors, "Email sending is currently paused for your account."),
		rule(400, "AccountSuspendedException", "", gateway.Provider, "our account is suspended", sendErrors, "Your account is permanently restricted."),
		rule(400, "MailFromDomainNotVerifiedException", "", gateway.Provider, "our MAIL FROM domain is not verified", sendErrors, "Custom MAIL FROM domain is not verified."),
		rule(404, "NotFoundException", "", gateway.Provider, "our configuration set or identity is not there", sendErrors, "Configuration set <balsong> does not exist."),
		rule(400, "MessageRejected", "not verified|failed the check|authority to send", gateway.Provider, "our sender is not verified, or our account is in the sandbox, where recipients have to be verified too", rejections, "Email address is not verified. The following identities failed the check in region AP-NORTHEAST-2: bills@example.com"),
		rule(400, "MessageRejected", "paused|suspended|shut ?down", gateway.Provider, "sending is paused for our account", rejections, "Sending suspended for this account."),
		rule(400, "MessageRejected", "message length", gateway.Permanent, "message too big: another channel's is smaller", rejections, "Message length is more than 41943040 bytes long: '41943041'."),
		rule(400, "MessageRejected", "", gateway.Content, "the message has invalid content", sendErrors, "Transaction failed: Expected disposition, got null"),
		rule(400, "BadRequestException", `missing final '@domain'|local address|domain (?:starts|ends|contains|name)|illegal (?:address|character)|invalid (?:email|domain)|missing (?:local|domain)`, gateway.Permanent, "no e-mail address", rejections, "Missing final '@domain'"),
	}, awscall.Common...),
}

// Answers lists the answers of SES for docs/operations/answers.md.
func Answers() []gateway.Answer { return table.List() }
