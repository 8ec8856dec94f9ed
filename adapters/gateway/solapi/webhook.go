package solapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/adapters/gateway"
	"github.com/balsong/balsong/adapters/gateway/answers"
	"github.com/balsong/balsong/adapters/gateway/reference"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/report"
)

// Bounds of what a webhook may make us ask.
const (
	maxIDs  = 1000 // messages in a webhook
	perList = 20   // messages in a question

	asksAtOnce = 4 // questions at the same time: SOLAPI waits for our answer meanwhile

	maxList = 512 << 10 // bytes of an answer, which has the messages' texts
)

// ok is what SOLAPI wants to read, with the status 200: else it comes up to four times more.
var ok = []byte("{}")

// Reports implements port.Reporter. SOLAPI signs nothing, so of what a webhook says the ids of messages alone count: what became
// of them is asked for. Whoever forges a webhook makes us ask, and no more.
func (g *Gateway) Reports(ctx context.Context, request port.Webhook) (port.Said, error) {
	ids, err := idsIn(request.Body)
	if err != nil {
		return port.Said{}, err
	}
	if err := g.references.Prepare(ctx); err != nil {
		return port.Said{}, err
	}
	known := g.references.Known()
	if known == nil {
		return port.Said{Foreign: len(ids), Answer: ok}, nil
	}
	lists, err := g.askAll(ctx, ids)
	said := port.Said{Answer: ok}
	for _, list := range lists {
		for _, id := range list.asked {
			about, found := list.messages[id]
			r, ours := about.report(id, known)
			switch {
			case !found || !ours:
				said.Foreign++
			case r.Kind != "":
				r.Provider = g.provider.Name
				said.Reports = append(said.Reports, r)
			}
		}
	}
	return said, err
}

// list is what SOLAPI says about some messages.
type list struct {
	asked    []string
	messages map[string]stored
}

// askAll asks about all messages, a few questions at a time. It returns the answers that came, beside the error of one that did not.
func (g *Gateway) askAll(ctx context.Context, ids []string) (lists []list, err error) {
	var asking sync.WaitGroup
	var mutex sync.Mutex
	places := make(chan struct{}, asksAtOnce)
	for some := range slices.Chunk(ids, perList) {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			messages, failed := g.ask(ctx, some)
			mutex.Lock()
			defer mutex.Unlock()
			if failed != nil {
				err = failed
				return
			}
			lists = append(lists, list{some, messages})
		})
	}
	asking.Wait()
	return lists, err
}

// idsIn reads the ids of the messages that a webhook is about: an array of messages
// (SINGLE-REPORT; https://developers.solapi.com/references/webhook/).
func idsIn(body []byte) ([]string, error) {
	var messages []struct {
		ID string `json:"messageId"`
	}
	if json.Unmarshal(body, &messages) != nil || len(messages) == 0 || len(messages) > maxIDs {
		return nil, port.ErrUnreadable
	}
	var ids []string
	for _, m := range messages {
		if !keyForm.MatchString(m.ID) {
			return nil, port.ErrUnreadable
		}
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// stored is a message in SOLAPI's list.
type stored struct {
	ID       string            `json:"messageId"`
	Code     answers.Text      `json:"statusCode"`
	Fields   map[string]string `json:"customFields"`
	Reported string            `json:"dateReported"`
}

var errList = errors.New("SOLAPI's list cannot be read")

// ask asks for messages by their ids (https://docs.solapi.com/api-reference/messages/getmessagelist).
func (g *Gateway) ask(ctx context.Context, ids []string) (map[string]stored, error) {
	target := fmt.Sprintf("/list?limit=%d", len(ids))
	for _, id := range ids {
		target += "&messageIds=" + url.QueryEscape(id)
	}
	answer, err := g.listHost.Exchange(ctx, g.call(g.listHost, http.MethodGet, target))
	if err != nil {
		return nil, err
	}
	if answer.Status/100 != 2 || answer.Truncated {
		return nil, fmt.Errorf("%w: %s", errList, gateway.Redact(table.Reply(answer, nil, g.now()).Detail, ""))
	}
	return listIn(answer.Body)
}

func listIn(raw []byte) (map[string]stored, error) {
	var list struct {
		Messages map[string]stored `json:"messageList"`
	}
	if json.Unmarshal(raw, &list) != nil || list.Messages == nil {
		return nil, errList
	}
	return list.Messages, nil
}

// report is what a message says about its delivery key; ours is false if it has none. Without a kind it is on its way.
func (s stored) report(id string, known *reference.References) (r report.Report, ours bool) {
	about, err := known.Read(s.Fields[field])
	if err != nil || s.ID != "" && s.ID != id {
		return report.Report{}, false
	}
	code := gateway.Redact(string(s.Code), "")
	r = report.Report{Key: about, ID: id + "/" + code, MessageID: id, Code: code}
	if at, err := time.Parse(time.RFC3339, s.Reported); err == nil {
		r.SaidAt = at.UTC()
	}
	switch {
	case code == delivered:
		r.Kind, r.Definitive = report.Delivered, true
	case code == "" || onTheWay[code] || len(code) != len(delivered) || strings.Trim(code, "0123456789") != "": // or a code of no form that is known
	default:
		result := results.Find(code)
		r.Kind, r.Class, r.Definitive, r.Detail = report.Undelivered, result.Class, result.Definitive, result.Why
	}
	return r, true
}
