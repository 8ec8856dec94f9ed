// Package preflight looks, before a run, at what would keep what is due from going out.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/channel"
)

// limit bounds the question to one provider.
const limit = 20 * time.Second

// findings are those about one component.
type findings struct {
	component, checked string
	list               []doctor.Finding
}

func (f *findings) add(level doctor.Level, found, do string) {
	f.list = append(f.list, doctor.Finding{Level: level, Component: f.component, Checked: f.checked, Found: found, Do: do})
}

// asked is what one provider says that it may still send.
type asked struct {
	of    config.Provider
	quota port.Quota
	known bool // the provider can be asked, and answered
	err   error
}

// Quotas asks the providers that can be asked what their accounts may still send.
func Quotas(ctx context.Context, c config.Gateways, clock port.Clock) (list []doctor.Finding) {
	for _, a := range ask(ctx, c, clock) {
		list = append(list, a.finding()...)
	}
	return list
}

// Examine looks at what would keep what is due from going out: each provider, what its account may still send, the policy's route, and the age of
// the suppression list. It sends nothing.
func Examine(ctx context.Context, c config.Gateways, due answer.Due, clock port.Clock) []doctor.Finding {
	list := doctor.Examine(ctx, doctor.Components{Gateways: &c}, clock)
	answers := ask(ctx, c, clock)
	for _, a := range answers {
		list = append(list, a.finding()...)
	}
	return append(list, before(due, answers, clock.Now())...)
}

// ask asks all providers at the same time; what comes back is in the order of their lists.
func ask(ctx context.Context, c config.Gateways, clock port.Clock) []asked {
	providers := c.Providers()
	answers := make([]asked, len(providers))
	var all sync.WaitGroup
	for i, provider := range providers {
		answers[i].of = provider
		gateway, err := core.NewGateway(c, provider, nil, clock)
		if err != nil {
			continue // found elsewhere
		}
		reader, can := gateway.(port.QuotaReader)
		if !can {
			gateway.Close()
			continue
		}
		all.Go(func() {
			defer gateway.Close()
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			answers[i].quota, answers[i].err = reader.Quota(ctx)
			answers[i].known = answers[i].err == nil
		})
	}
	all.Wait()
	return answers
}

// finding says what a provider said.
func (a asked) finding() []doctor.Finding {
	p := findings{component: a.of.Account(), checked: "what the account may still send"}
	q := a.quota
	switch {
	case a.err != nil:
		p.add(doctor.Advice, a.err.Error(), "let the credentials read it, or look at the vendor's console before a run")
	case q.Empty:
		p.add(doctor.Problem, fmt.Sprintf("the balance is %s %s: nothing can be sent", q.Balance, q.Currency), "top up the account, or let another provider of the channel send")
	case q.Balance != "":
		p.add(doctor.OK, fmt.Sprintf("the balance is %s %s", q.Balance, q.Currency), "")
	case q.Limit > 0:
		p.add(doctor.OK, fmt.Sprintf("%s of %s within %s", progress.Counted(q.Left, "message", "messages"), progress.Counted(q.Limit, "message", "messages"), hours(q.Window)), "")
	}
	if q.Rate > 0 && (a.of.Rate == 0 || a.of.Rate > q.Rate) {
		p.checked = a.of.Variables + "_RATE"
		p.add(doctor.Advice, fmt.Sprintf("the account takes %g messages a second, and calls are not bound to that", q.Rate), fmt.Sprintf("set %s_RATE to %g: what is beyond is refused, and comes again later", a.of.Variables, q.Rate))
	}
	return p.list
}

func hours(window time.Duration) string { return fmt.Sprintf("%g hours", window.Hours()) }

// staleList is how old the newest change of the suppression list may be before people are told: a month has bounces and people who move.
const staleList = 45 * 24 * time.Hour

// before compares what is due with what the providers said.
func before(due answer.Due, answers []asked, now time.Time) []doctor.Finding {
	p := findings{component: "run", checked: "the ACTIVE policy"}
	var months []string
	for _, m := range due.Months {
		months = append(months, m.Month.String())
	}
	bills := progress.Counted(due.Bills(), "bill", "bills")
	switch {
	case due.Policy == "":
		p.add(doctor.Problem, "no policy is ACTIVE: nothing can be sent", "activate one (balsong policy activate)")
	case due.Bills() == 0:
		p.add(doctor.Advice, "no bill of an open month waits", "import and render a month first")
	default:
		p.add(doctor.OK, fmt.Sprintf("%s of %s may go out, by %s", bills, strings.Join(months, ", "), routeOf(due.Route)), "")
	}
	if due.Halted {
		p.add(doctor.Problem, "everything is halted", "find out why (balsong status), then balsong resume --reason …")
	}
	for i, kind := range due.Route {
		p.checked = string(kind)
		if slices.Contains(due.HaltedOn, kind) {
			p.add(doctor.Problem, "the channel is halted: its bills wait, and go to no other channel", fmt.Sprintf("find out why (balsong status), then balsong resume --channel %s --reason …", kind))
		}
		senders := slices.DeleteFunc(slices.Clone(answers), func(a asked) bool { return a.of.Channel != kind })
		left, bounded := 0, len(senders) > 0
		for _, s := range senders {
			left += s.quota.Left
			bounded = bounded && s.known && s.quota.Limit > 0
		}
		short := bounded && left < due.Bills()
		switch {
		case len(senders) == 0:
			p.add(doctor.Problem, "the route names it, and no provider sends on it", "set the variables of one (docs/providers/README.md), or take the channel out of the policy's route")
		case short && i == 0:
			p.add(doctor.Problem, fmt.Sprintf("%s may go out, and its providers take %s more: the rest waits, and goes to no other channel", bills, progress.Counted(left, "message", "messages")),
				"ask the vendor for a higher quota, let another provider share the channel, or spread the run over days")
		case short:
			p.add(doctor.Advice, fmt.Sprintf("%s at most may come to it, and its providers take %s more", bills, progress.Counted(left, "message", "messages")), "ask the vendor for a higher quota if many of them cannot be reached before")
		}
	}
	p.templates(due, answers)
	p.checked = "the suppression list"
	entries := progress.Counted(due.Suppressions, "entry", "entries")
	switch age := now.Sub(due.Suppressed); {
	case due.Suppressed.IsZero():
		p.add(doctor.Advice, entries+", and it was never changed", "put on it whose mail bounces and who opted out (balsong suppress), or let the providers report (docs/providers/README.md): senders with many bounces are suspended")
	case age > staleList:
		p.add(doctor.Advice, fmt.Sprintf("%s, the last change %d days ago", entries, int(age.Hours()/24)), "look whether bounces and opt-outs still reach it: senders with many bounces are suspended")
	default:
		p.add(doctor.OK, fmt.Sprintf("%s, the last change %d days ago", entries, int(age.Hours()/24)), "")
	}
	return p.list
}

// templates compares the AlimTalk templates that bills are rendered with to the providers that are to send them.
func (f *findings) templates(due answer.Due, answers []asked) {
	if !slices.Contains(due.Route, channel.AlimTalk) {
		return
	}
	f.checked = string(channel.AlimTalk)
	for _, m := range due.Months {
		var with, without []string
		for _, a := range answers {
			if a.of.Channel == channel.AlimTalk && !slices.Contains(m.AlimTalk, a.of.Name) {
				without = append(without, a.of.Name)
			} else if a.of.Channel == channel.AlimTalk {
				with = append(with, a.of.Name)
			}
		}
		if m.Templates == "" || m.Bills == 0 || len(without) == 0 {
			continue
		}
		found := fmt.Sprintf("the bills of %s are rendered with templates %s, which have no code for %s", m.Month, m.Templates, strings.Join(without, ", "))
		if len(with) > 0 {
			f.add(doctor.Advice, fmt.Sprintf("%s: %s alone takes them", found, strings.Join(with, ", ")), "write its code in alimtalk.json before the next month is rendered, or take it out of BALSONG_ALIMTALK_PROVIDERS")
		} else {
			f.add(doctor.Problem, found+": none of them goes out by this channel", "let a provider send that has a code, or write the code in alimtalk.json and render the bills again (docs/operations/templates.md#render-bills-again)")
		}
	}
}

// routeOf writes a route.
func routeOf(route []channel.Kind) string {
	words := make([]string, len(route))
	for i, kind := range route {
		words[i] = string(kind)
	}
	return strings.Join(words, ", then ")
}
