package rendering

import (
	"fmt"
	"strings"

	"github.com/balsong/balsong/domain/policy"
)

// Doubts says for people what is allowed in the templates and hardly meant: a long text message that no bill could have,
// and the braces of a template in the sender identity, whose words appear as they are.
func (t *Templates) Doubts() (list []string) {
	for _, tag := range Languages {
		longest := 0
		for _, sample := range Samples(tag) {
			view, err := newView(sample.Bill, sampleMonth, policy.Transactional, t.senderIdentity)
			if err != nil {
				continue
			}
			p := printer{view: view, language: t.languages[tag], tag: tag}
			if text := p.messageText("lms.tmpl"); p.failed == nil {
				longest = max(longest, MessageBytes(text))
			}
		}
		if longest > MaxLMS {
			list = append(list, fmt.Sprintf("%s/lms.tmpl makes a text message of %d bytes in EUC-KR of a sample bill, more than %d: a bill that does not fit into an SMS cannot be rendered with it", tag, longest, MaxLMS))
		}
		identity := t.senderIdentity.Of(tag)
		for _, field := range []struct{ name, text string }{{"sender", identity.Sender}, {"pay", identity.Pay}, {"contact", identity.Contact}, {"opt_out", identity.OptOut}} {
			if strings.Contains(field.text, "{{") {
				list = append(list, fmt.Sprintf("%s: %s.%s has {{: there are no templates in this file, and customers would read it as it is", senderIdentityFile, tag, field.name))
			}
		}
	}
	return list
}
