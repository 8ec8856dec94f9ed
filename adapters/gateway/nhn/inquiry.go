package nhn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// seoul is the zone of NHN Cloud's times, which are written without one.
var seoul = time.FixedZone("KST", 9*60*60)

// The forms of times in questions and answers.
const (
	asked     = "2006-01-02 15:04:05"
	inLists   = "2006-01-02 15:04:05.0"
	inWebhook = "2006-01-02T15:04:05"
)

// around is how far before and after a call its message is looked for: the clocks may differ, and a request may be long under way.
// A question may cover a month (code -4000).
const around = 24 * time.Hour

// InquiryTerms implements port.Inquirer. NHN Cloud keeps messages for 180 days; nothing says how soon its list has a message, nor
// that it is complete.
func (g *Gateway) InquiryTerms() port.InquiryTerms {
	return port.InquiryTerms{
		Settling: 5 * time.Minute, Window: 179 * 24 * time.Hour, Calls: len(lists) * max(1, g.references.Secrets()),
		Source: "https://docs.nhncloud.com/ko/Notification/SMS/ko/console-guide/", // 데이터 보관 기간
	}
}

var errNoReference = errors.New("no reference travels with messages, by which NHN Cloud could be asked: set BALSONG_REFERENCE_SECRETS")

// Inquire implements port.Inquirer. SMS and LMS have lists of their own, and nothing tells any more which of them a message was.
func (g *Gateway) Inquire(ctx context.Context, about key.Delivery, called time.Time) (port.Finding, error) {
	if err := g.references.Prepare(ctx); err != nil {
		return port.Finding{}, err
	}
	known := g.references.Known()
	if known == nil {
		return port.Finding{}, errNoReference
	}
	query := "?startRequestDate=" + url.QueryEscape(called.Add(-around).In(seoul).Format(asked)) +
		"&endRequestDate=" + url.QueryEscape(called.Add(around).In(seoul).Format(asked)) + "&recipientGroupingKey="
	for _, ours := range known.All(about) { // the secret may have been changed since the call
		for _, list := range lists {
			found, err := g.ask(ctx, list+query+ours, ours)
			if err != nil {
				return port.Finding{}, err
			}
			if found.Found != port.FoundNothing {
				return found, nil
			}
		}
	}
	return port.Finding{Found: port.FoundNothing}, nil
}

// lists are where messages are looked for.
var lists = [...]string{smsPath, lmsPath}

// ranks order findings about several messages of one key: one that was delivered outweighs those that were not.
var ranks = map[port.Found]int{port.FoundUndelivered: 1, port.FoundAccepted: 2, port.FoundDelivered: 3}

// listed is a message in a list.
type listed struct {
	RequestID string       `json:"requestId"`
	State     answers.Text `json:"msgStatus"`
	Code      answers.Text `json:"resultCode"`
	Country   answers.Text `json:"countryCode"`
	At        string       `json:"resultDate"`
	Reference string       `json:"recipientGroupingKey"`
}

var errList = errors.New("NHN Cloud's list cannot be read")

func (g *Gateway) ask(ctx context.Context, target, ours string) (port.Finding, error) {
	answer, err := g.host.Exchange(ctx, g.call(http.MethodGet, target))
	if err != nil {
		return port.Finding{}, err
	}
	if answer.Status/100 != 2 || answer.Truncated || !read(answer.Body).succeeded() {
		return port.Finding{}, fmt.Errorf("%w: %s", errList, gateway.Redact(table.Reply(answer, nil, g.now()).Detail, ""))
	}
	return findIn(answer.Body, ours)
}

// findIn looks for a message in a list of which NHN Cloud has left out all others.
func findIn(raw []byte, ours string) (port.Finding, error) {
	var list struct {
		Body *struct {
			Total int      `json:"totalCount"`
			Data  []listed `json:"data"`
		} `json:"body"`
	}
	if json.Unmarshal(raw, &list) != nil || list.Body == nil {
		return port.Finding{}, errList
	}
	best := port.Finding{Found: port.FoundNothing}
	for _, m := range list.Body.Data {
		if m.Reference != ours {
			continue
		}
		if found := m.finding(); ranks[found.Found] > ranks[best.Found] {
			best = found
		}
	}
	if best.Found == port.FoundNothing && list.Body.Total != 0 {
		return port.Finding{}, fmt.Errorf("%w: it holds messages that were not asked for", errList)
	}
	return best, nil
}

func (m listed) finding() port.Finding {
	o := outcomeOf(string(m.State), string(m.Code), m.Country != "" && m.Country != "82")
	return findingOf(o, string(m.Code), m.RequestID, timeOf(inLists, m.At))
}

// findingOf is what a listed message came to.
func findingOf(o outcome, code, requestID string, at time.Time) port.Finding {
	finding := port.Finding{Found: port.FoundAccepted, Code: gateway.Redact(code, ""), Detail: o.Why, SaidAt: at}
	if gateway.ValidMessageID(requestID) {
		finding.MessageID = requestID
	}
	switch {
	case !o.final: // on its way
	case o.delivered && !o.abroad:
		finding.Found = port.FoundDelivered
	case !o.delivered && o.Definitive:
		finding.Found, finding.Class = port.FoundUndelivered, o.Class
	}
	return finding
}

// timeOf reads a time of NHN Cloud's; the zero time if it is none.
func timeOf(form, text string) time.Time {
	at, err := time.ParseInLocation(form, text, seoul)
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
