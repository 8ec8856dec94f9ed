package core_test

import (
	"fmt"
	"io"
	"strings"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/awssms"
	"github.com/balsong/balsong/adapters/gateway/fcm"
	"github.com/balsong/balsong/adapters/gateway/httpgateway"
	"github.com/balsong/balsong/adapters/gateway/nhn"
	"github.com/balsong/balsong/adapters/gateway/ses"
	"github.com/balsong/balsong/adapters/gateway/smtp"
	"github.com/balsong/balsong/adapters/gateway/solapi"
	"github.com/balsong/balsong/adapters/gateway/twilio"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// answersPage writes docs/operations/answers.md: what becomes of the answers of providers, from the tables of the gateways.
func answersPage(w io.Writer) {
	fmt.Fprint(w, `# Answers of providers

Written from the tables of the gateways (`+"`adapters/gateway/smtp/replies.go`, `adapters/gateway/answers/standard.go`"+`, `+"`answers.go`"+` of each provider over HTTP); a test fails when it is stale.
Each line is an answer as servers give it. A rule covers more than its examples: it goes by words first, then by the enhanced status code, then by the reply code or status.
The names of hosts, pages and addresses in a reply are not read as words (`+"`quota.example.com`"+`), those of well-known block lists aside.

**The first digit decides.** SMTP: 2yz to the whole message is accepted, 4yz and 5yz are not accepted, whatever the other digits. HTTP: 2xx is accepted, 3xx and 4xx are not, but for two.
Only silence, a broken connection and what cannot be read leave the outcome UNKNOWN; so do a 303 and a 409 of HTTP, after which a message may have been accepted, and a 5xx of HTTP that is not listed here, because it does not say whether the message was taken before the server failed.

Before the recipient is named (greeting, EHLO, AUTH, MAIL FROM) a refusal is never the customer's. The enhanced status code counts where its first digit is the reply code's, on whichever line of a reply it stands.

## What happens next

| Class | What it means | What happens next | Attempt | Round |
|---|---|---|---|---|
`)
	for _, row := range nextSteps {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", row.class, row.means, row.next, row.attempt, row.round)
	}
	fmt.Fprint(w, `
A class with a question mark fits every customer as well as this one. When 15 of a provider's last 20 answers are such, its breaker opens as after a clear word.

Where the provider has a limit (`+"`BALSONG_…_RATE`"+`), throttled with a question mark also lowers the calls a second of all processes by 30%, once in 2 s; they regain 1% of the limit each second ([ADR 0064](../adr/0064-one-budget-of-calls-for-all-processes.md)).

While a breaker is open, nothing is sent through the provider by this process: `+"`balsong status`"+`, the log and the gauge `+"`balsong_gateway_held`"+` say which provider it is, in its own words.
A reply that speaks of too many connections at once is no doubt where we have others open: the process makes only as many calls at once as it has connections, and more again later.
It stays open for 10 s, doubled with each refused test up to 5 min, or as long as the provider asks (an hour at most). Then one call tests the provider.

[ADR 0041](../adr/0041-what-the-provider-says-about-us-spends-nothing.md) says why.

## 다음에 일어나는 일

| 분류 | 의미 |
|---|---|
`)
	for _, row := range nextSteps {
		fmt.Fprintf(w, "| %s | %s |\n", row.class, row.korean)
	}
	answersTable(w, "SMTP", "`final` is the reply to the whole message; `GREETING`, `AUTH`, `MAIL`, `RCPT`, `DATA` are what the reply answers.", smtp.Answers())
	about := "Replies as vendors document them or as their servers were seen to give them, shortened; a test holds each to its class. Where they come from: "
	for i, vendor := range smtp.VendorSources() {
		if i > 0 {
			about += "; "
		}
		about += vendor[0] + ": " + strings.ReplaceAll(vendor[1], "; ", " and ")
	}
	vendorsTable(w, about+".", smtp.Vendors())
	answersTable(w, "HTTP", "The status, and the body. The first are the contract's own codes, the rest holds for every provider over HTTP.", append(httpgateway.Answers(), answers.Standard()...))
	answersTable(w, "Twilio", "The status, and the body. What is not listed is as above.", twilio.Answers())
	answersTable(w, "NHN Cloud", "The status, and the body. What is not listed is as above.", nhn.Answers())
	answersTable(w, "NHN Cloud, AlimTalk", "The status, and the body. What is not listed is as above.", nhn.AlimTalkAnswers())
	answersTable(w, "Amazon SES", "The status, and the body; AWS names the type in the header X-Amzn-ErrorType too. What is not listed is as above.", ses.Answers())
	answersTable(w, "Firebase Cloud Messaging", "The status, and the body. What is not listed is as above.", fcm.Answers())
	answersTable(w, "AWS End User Messaging SMS", "The status, and the body. What is not listed is as above.", awssms.Answers())
	answersTable(w, "SOLAPI", "The status, and the body. What is not listed is as above.", solapi.Answers())
}

// nextSteps say what follows from each class.
var nextSteps = []struct{ class, means, next, attempt, round, korean string }{
	{"accepted", "the provider took the message", "SUCCEEDED; never sent again", "–", "–", "발송 대행사가 접수함. 다시 발송하지 않음"},
	{"permanent", "this address, on this channel", "the next other channel of the route, at once", "spent", "–", "이 주소로는 발송할 수 없음. 다음 채널로 즉시 진행함"},
	{"temporary", "this recipient, for now", "the next step of the route, after the policy's pause", "spent", "–", "이 수신자에게는 지금 발송할 수 없음. 정책의 대기 시간 후 다음 단계로 진행함"},
	{"content", "what was sent", "PAUSED(content): it goes to no channel before it is corrected", "–", "–", "내용 문제. 정정할 때까지 어느 채널로도 발송하지 않고 보류함"},
	{"throttled", "not now", "the same attempt again, when the provider said, else after the policy's pause; with Retry-After (or \"in 20 seconds\") no call is made to the provider before, a grey list aside", "not spent", "not spent", "나중에 다시 시도하라는 요청. 시도 횟수와 회차는 소모되지 않으며, 대기 시간이 지정되면 모든 호출이 기다림"},
	{"provider", "us, whoever the customer is: a clear word", "the breaker opens at once; the same attempt again once the provider takes messages", "not spent", "not spent", "고객과 무관한 발신자 측 문제(계정 정지, 인증 실패 등). 즉시 호출을 멈추고, 시도 횟수와 회차는 소모되지 않음"},
	{"provider ?", "us, at least in doubt", "the same attempt again after the policy's pause; PAUSED(rounds) when that happens too often", "not spent", "spent", "발신자 측 문제로 의심됨. 시도 횟수는 소모되지 않으나 회차는 소모됨"},
	{"unknown", "a call may have been accepted", "UNKNOWN: held, or continued, as the policy says for the channel", "–", "–", "접수 여부를 알 수 없음. 정책에 따라 보류하거나 계속함"},
}

func answersTable(w io.Writer, title, about string, list []gateway.Answer) {
	fmt.Fprintf(w, "\n## %s\n\n%s\n\n| Answer | Class | Because | Source |\n|---|---|---|---|\n", title, about)
	for _, a := range list {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", strings.NewReplacer("\n", " ⏎ ", "|", "\\|", "`", "'").Replace(a.Said), classOf(a), a.Why, a.Source)
	}
}

// vendorsTable lists answers under the vendor who gives them.
func vendorsTable(w io.Writer, about string, list []gateway.Answer) {
	fmt.Fprintf(w, "\n## SMTP, by vendor\n\n%s\n\n| Vendor | Answer | Class | Because |\n|---|---|---|---|\n", about)
	for _, a := range list {
		fmt.Fprintf(w, "| %s | `%s` | %s | %s |\n", a.Source, strings.NewReplacer("\n", " ⏎ ", "|", "\\|", "`", "'").Replace(a.Said), classOf(a), a.Why)
	}
}

// classOf names the class as nextSteps does.
func classOf(a gateway.Answer) string {
	switch {
	case a.Verdict == port.CallAccepted:
		return "accepted"
	case a.Meaning.Class == attempt.Provider && !a.Meaning.Doubtful:
		return "**provider**"
	default:
		return a.Meaning.String()
	}
}
