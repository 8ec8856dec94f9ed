package bounce

import (
	"regexp"
	"strings"
)

// readText reads a mail without a delivery status by its words.
func readText(out *Mail, m *opened) {
	text, rest, low := m.text, "", lower(m.text)
	if at := quotes.FindStringIndex(low); at != nil {
		text, rest, low = text[:at[0]], text[at[0]:], low[:at[0]]
	}
	found, at, known := m.find(low)
	if found == nil {
		return
	}
	out.Rule = found.name
	if found.kind == AutoReply {
		out.Reports = []Report{{Kind: AutoReply}}
		return
	}
	out.quote(rest)
	who := recipients(m, text[at:])
	if len(who) == 0 {
		who = recipients(m, text)
	}
	if len(who) == 0 {
		who = []said{{words: text[at:]}}
	}
	for _, one := range who {
		report := Report{Recipient: one.recipient, Kind: found.kind, Definitive: found.definitive && known}
		report.classify(oneLine(one.words), oneLine(text[at:]))
		out.Reports = append(out.Reports, report)
	}
}

var systems = regexp.MustCompile(`mailer[-_ ]?daemon|postmaster|mail ?(?:delivery|system|administrator|service|server)|delivery (?:subsystem|notification)|\bdaemon|bounce|sys(?:tem)?[ -]?admin|double-?bounce|mailmaster|메일 ?(?:시스템|배달|전송)|반송|<>`)

var domains = regexp.MustCompile(`@[^\s<>",;]+`)

var replies = regexp.MustCompile(`^\s*(?:re|fwd?|aw|wg|회신|답장|전달)\s*:`)

// find returns the rule for a text in lower case, where its sentence begins, and whether the sentence of a known server is its own:
// a mail system is the sender, and nothing says that a person had the mail answered. Whoever is away may be called Postmaster, and
// write as servers do.
func (m *opened) find(text string) (r *rule, at int, known bool) {
	subject := lower(decodeField(m.header.get("subject"), m.charset))
	from := lower(domains.ReplaceAllString(decodeField(m.header.get("from")+" "+m.header.get("sender"), m.charset), ""))
	system := m.report || systems.MatchString(from) || m.header.get("x-failed-recipients") != ""
	away, _ := first(automatic, subject)
	said, _ := first(automatic, text)
	known = system && said == nil
	if system && away == nil {
		if r, at = first(formats, text); r != nil {
			return r, at, known
		}
	}
	if r = m.automatic(away, said, system); r != nil {
		return r, 0, false
	}
	if replies.MatchString(subject) {
		subject = ""
	}
	ofSubject, _ := first(phrases, subject)
	if !system && ofSubject == nil && !strings.Contains(m.header.get("return-path"), "<>") {
		return nil, 0, false
	}
	for _, rules := range [][]rule{formats, phrases} {
		if r, at = first(rules, text); r != nil {
			return r, at, known
		}
	}
	if r, _ = first(formats, subject); r == nil {
		r = ofSubject
	}
	return r, 0, known
}

// first returns the first rule that fits a text in lower case, and where.
func first(rules []rule, text string) (*rule, int) {
	for i := range rules {
		if at := rules[i].words().FindStringIndex(text); at != nil {
			return &rules[i], at[0]
		}
	}
	return nil, 0
}

// automatic finds whether a mail is an automatic reply: by its subject or, where no mail system sent it, by its words and by
// the fields of RFC 3834 and before. Of a system's mail they say nothing: bounces have them too.
func (m *opened) automatic(ofSubject, ofText *rule, system bool) *rule {
	if ofSubject != nil || system {
		return ofSubject
	}
	if ofText != nil {
		return ofText
	}
	submitted := strings.ToLower(m.header.get("auto-submitted") + m.header.get("precedence"))
	if strings.Contains(submitted, "auto-replied") || strings.Contains(submitted, "auto_reply") ||
		m.header.get("x-autoreply")+m.header.get("x-autorespond")+m.header.get("x-autoreply-from") != "" {
		return &automatic[len(automatic)-1]
	}
	return nil
}

// lower turns ASCII into lower case, and moves nothing. A pattern for one case takes a fraction of the time of one for both.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}

var (
	idLine   = regexp.MustCompile(`(?im)^[ \t>|]*message-id:[ \t]*(<[^<>\s]+>)`)
	pathLine = regexp.MustCompile(`(?im)^[ \t>|]*return-path:[ \t]*<([^<>\s]+)>`)
)

// quote takes in what a text returns of the message.
func (out *Mail) quote(rest string) {
	if found := idLine.FindStringSubmatch(rest); found != nil && out.MessageID == "" {
		out.MessageID = messageID(found[1])
	}
	if found := pathLine.FindStringSubmatch(rest); found != nil && out.EnvelopeFrom == "" {
		out.EnvelopeFrom = angle(found[1])
	}
}

// said is what a text says of one recipient.
type said struct{ recipient, words string }

const addressWords = `[^\s<>"'(),;:\[\]|=\\]+@[\pL\pN](?:[\pL\pN.-]*[\pL\pN])?`

var (
	anyAddress = regexp.MustCompile(addressWords)
	// A recipient begins its line, behind a label at most.
	lineAddress = regexp.MustCompile(`(?im)^[ \t>*|-]*(?:[\pL][\pL -]{0,30}[:<]+[ \t]*)?(?:rcpt to:|to:)?[<"'(\[ ]*(?:(?:smtp|mailto|rfc822)[:;] ?)?(` + addressWords + `)`)
	mailFrom    = regexp.MustCompile(`(?i)(?:mail|messages?) from[\s:<"]*$`) // what follows is a sender
	neverOurs   = regexp.MustCompile(`(?i)^(?:postmaster|mailer-daemon|abuse|hostmaster|root|no-?reply|support|help[a-z]*|webmaster)@`)
)

// recipients finds whom a text is about: the addresses that begin a line, else any.
func recipients(m *opened, text string) (list []said) {
	own := strings.ToLower(strings.Join(append(m.header.all("from"), append(m.header.all("to"), m.header.all("reply-to")...)...), " "))
	seen := map[string]bool{}
	take := func(found [][]int) {
		for i, at := range found {
			end := len(text)
			if i+1 < len(found) {
				end = found[i+1][0]
			}
			from, to := at[len(at)-2], at[len(at)-1] // of the address
			who := angle(text[from:to])
			key := strings.ToLower(who)
			if who == "" || seen[key] || strings.Contains(own, key) || neverOurs.MatchString(who) || mailFrom.MatchString(text[max(0, from-20):from]) || len(list) >= maxRecipients {
				continue
			}
			seen[key] = true
			list = append(list, said{who, paragraph(text[to:end])})
		}
	}
	for _, failed := range m.header.all("x-failed-recipients") {
		for _, who := range anyAddress.FindAllString(failed, maxRecipients-len(list)) {
			list = append(list, said{recipient: who})
		}
	}
	if len(list) == 0 {
		take(lineAddress.FindAllStringSubmatchIndex(text, -1))
	}
	if len(list) > 0 {
		return list
	}
	take(anyAddress.FindAllStringIndex(text, -1))
	if len(list) > 1 { // a sentence that names recipients names them together; what stands elsewhere may be anybody
		_, sentence, _ := strings.Cut(text, list[0].recipient)
		sentence, _, _ = strings.Cut(sentence, "\n\n")
		for _, one := range list[1:] {
			if !strings.Contains(sentence, one.recipient) {
				return nil
			}
		}
	}
	return list
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// paragraph is a text up to its first empty line that something stands before.
func paragraph(text string) string {
	text = strings.TrimLeft(text, " \t\r\n>:.\"')]")
	text, _, _ = strings.Cut(text, "\n\n")
	return text[:min(len(text), maxValue)]
}
