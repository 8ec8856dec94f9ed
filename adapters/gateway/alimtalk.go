package gateway

import (
	"strings"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
)

// AlimTalk is an AlimTalk message for one provider.
type AlimTalk struct {
	Code string // of the template, at the provider
	Text string // with its variables filled
	port.AlimTalk
}

// ReadAlimTalk reads the content of a delivery for a provider. What cannot go out is refused without a call: then the verdict of
// the reply is not empty. A template that the provider does not have is no fault of the customer's: another provider of the
// channel may have it.
func ReadAlimTalk(d port.Delivery, provider string) (AlimTalk, port.Reply) {
	refused := func(class attempt.FailureClass, why string) (AlimTalk, port.Reply) {
		return AlimTalk{}, port.Reply{Verdict: port.CallRefused, Class: class, Detail: why}
	}
	template, err := port.ReadAlimTalk(d.Content.Template)
	if err != nil || strings.TrimSpace(d.Content.Text) == "" {
		return refused(attempt.Content, "the statement's AlimTalk message names no template, or has no text")
	}
	code := template.Codes[provider]
	if code == "" {
		return refused(attempt.Provider, "the bill's AlimTalk template has no code for this provider: write it in alimtalk.json (codes."+provider+") and render the bills again (docs/operations/templates.md), or let another provider send")
	}
	return AlimTalk{Code: code, Text: d.Content.Text, AlimTalk: template}, port.Reply{}
}
