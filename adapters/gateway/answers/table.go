// Package answers tells what the answers of providers over HTTP mean. Each provider brings a table of its own; what the
// standards say of any server is in one table for all.
package answers

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/httpclient"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/cost"
)

// Rule says what some answers mean that do not accept a message. Of those that fit an answer the first one counts.
// Examples are bodies as servers give them; docs/operations/answers.md shows what becomes of each, and a test sends one of
// each class through the whole system.
type Rule struct {
	Status   int    // 400; 4: every other 4xx
	Code     string // the provider's, a number as it is written; "": any, or none
	Header   bool   // only with Retry-After
	Words    *regexp.Regexp
	Means    gateway.Meaning // of class "": whether the message was taken cannot be told
	Why      string
	Source   string
	Examples []string // where Status is of one digit they begin with the whole status
}

// Said is what a body says: the provider's code for people and programs, its words, and of an accepted message its id and for how much it
// charges.
type Said struct {
	Code, Message, MessageID string
	Units                    cost.Units
}

// Table holds what the answers of one provider mean.
type Table struct {
	Rules    []Rule
	Read     func(body []byte) Said // finds what is said; the zero value where the body is none of the provider's
	Accepted []string               // examples of what accepts a message, each with its status
	Why      string                 // it does
	Source   string
	// Accepts reports whether an answer accepts a message. Default: every status 2xx does.
	Accepts func(status int, said Said) bool
}

// Text is a JSON string, or a number as it is written; "" for everything else.
type Text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil && len(raw) > 0 && (raw[0] == '-' || '0' <= raw[0] && raw[0] <= '9') {
		s = string(raw)
	}
	*t = Text(s)
	return nil
}

// Reply turns what httpclient returned into a reply. Its Detail is not masked yet.
func (t *Table) Reply(answer httpclient.Answer, err error, now time.Time) port.Reply {
	switch {
	case err == nil:
	case errors.Is(err, httpclient.ErrNotMade):
		return gateway.NotMade(err.Error())
	default:
		return gateway.Unknown(err.Error())
	}
	var said Said
	if !answer.Truncated {
		said = t.Read(answer.Body)
	}
	return t.ReplyTo(answer.Status, answer.Header.Get("Retry-After"), said, answer.Body, now)
}

// ReplyTo is Reply for an answer that a provider's own library has read.
func (t *Table) ReplyTo(status int, retryAfter string, said Said, body []byte, now time.Time) port.Reply {
	if t.accepts(status, said) {
		if gateway.ValidMessageID(said.MessageID) {
			return port.Reply{Verdict: port.CallAccepted, MessageID: said.MessageID, Units: said.Units}
		}
		return port.Reply{Verdict: port.CallAccepted, Detail: detail(status, said, body), Units: said.Units}
	}
	found, ok := find(t.Rules, status, said.Code, retryAfter, body)
	if !ok {
		found, _ = find(standard, status, said.Code, retryAfter, body) // none: a status that HTTP does not have
	}
	if found.Means.Class == "" {
		reply := gateway.Unknown(detail(status, said, body))
		reply.Answered = true
		return reply
	}
	return found.Means.Reply(detail(status, said, body), waitFor(retryAfter, now))
}

func (t *Table) accepts(status int, said Said) bool {
	if t.Accepts != nil {
		return t.Accepts(status, said)
	}
	return status/100 == 2
}

func find(rules []Rule, status int, code, retryAfter string, body []byte) (Rule, bool) {
	for i := range rules {
		r := &rules[i]
		if (r.Status == status || r.Status == status/100) && (r.Code == "" || r.Code == code) && (!r.Header || retryAfter != "") &&
			(r.Words == nil || r.Words.Match(body)) {
			return *r, true
		}
	}
	return Rule{}, false
}

// tags are those of HTML, in which proxies answer.
var tags = regexp.MustCompile(`<[^>]*>`)

// detail is what an answer said: the status, and the provider's code and message, or else the beginning of the body.
func detail(status int, said Said, body []byte) string {
	words := strings.Trim(said.Code+": "+said.Message, ": ")
	if said.Code != "" && strings.Trim(said.Code, "-0123456789") == "" {
		return strconv.Itoa(status) + ", code " + words // without the word it would be masked as a telephone number
	}
	if words == "" {
		words = strings.Join(strings.Fields(tags.ReplaceAllString(string(body[:min(len(body), 4<<10)]), " ")), " ")
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

// List shows the answers of a table as docs/operations/answers.md does, those of the standards left out.
func (t *Table) List() []gateway.Answer {
	list := []gateway.Answer{}
	for _, said := range t.Accepted {
		list = append(list, gateway.Answer{Said: said, Verdict: port.CallAccepted, Why: t.Why, Source: t.Source})
	}
	return append(list, listOf(t.Rules)...)
}

// Standard shows the answers that the standards explain, of whatever server.
func Standard() []gateway.Answer { return listOf(standard) }

func listOf(rules []Rule) []gateway.Answer {
	list := []gateway.Answer{}
	for _, r := range rules {
		for _, said := range r.Examples {
			if r.Status >= 100 {
				said = strconv.Itoa(r.Status) + " " + said
			}
			if r.Header {
				said += ", with Retry-After"
			}
			verdict := port.CallUnknown
			if r.Means.Class != "" {
				verdict = r.Means.Reply("", 0).Verdict
			}
			list = append(list, gateway.Answer{Said: strings.TrimSpace(said), Verdict: verdict, Meaning: r.Means, Why: r.Why, Source: r.Source})
		}
	}
	return list
}
