package generate

import (
	"strconv"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Wishes are how many of a hundred customers have one of a kind.
type Wishes struct {
	Quiet   int `json:"quiet_percent"`    // quiet hours of their own
	SendDay int `json:"send_day_percent"` // a day on which they want their bill
}

// span is quiet hours.
type span struct {
	from, to string
	weight   int
}

// quietHours of those who have their own: by the evening, and of people who work at night.
var quietHours = []span{
	{"21:00", "08:00", 40}, {"22:00", "07:00", 20}, {"20:00", "09:00", 15}, {"22:30", "08:30", 10}, {"09:00", "17:00", 10}, {"00:00", "10:00", 5},
}

// preferredDay is a day of the month.
type preferredDay struct{ day, weight int }

// sendDays of those who want their bill on a day: usual pay days and ends of the month.
var sendDays = []preferredDay{{25, 30}, {10, 20}, {1, 15}, {5, 10}, {15, 10}, {20, 10}, {31, 5}}

// dueDays on which bills are due: those that Korean companies offer.
var dueDays = []preferredDay{{25, 40}, {20, 20}, {15, 20}, {10, 20}}

func weightOf(d preferredDay) int { return d.weight }

var (
	quietTotals = running(quietHours, func(s span) int { return s.weight })
	sendTotals  = running(sendDays, weightOf)
	dueTotals   = running(dueDays, weightOf)
)

// header is the first line of every file: the columns in the order of appendRow.
const header = "customer_number,name,email,phone,push_token,language,currency,amount,billed_before,due_date,items," +
	"quiet_from,quiet_to,zone,send_day,channel_wish,payment_method\n"

// reach is on which channels a customer can be reached, and on which the customer wishes to be.
type reach struct {
	email, phone, token bool
	wish                channel.Kind
}

// reach draws: who gets paper bills has less often an e-mail address; who streams television and movies has the app.
func (p *plan) reach(d *draws) reach {
	streams := p.takes(serviceTV) && p.takes(serviceMovies)
	r := reach{email: d.percent(pick(p.paperless, 97, 70)), phone: d.percent(99), token: d.percent(pick(streams, 80, pick(p.paperless, 35, 10)))}
	if !r.email && !r.token {
		r.phone = true
	}
	wants := d.below(100)
	switch {
	case !p.paperless && r.phone:
		r.wish = channel.SMS
	case streams && r.token && wants < 50:
		r.wish = channel.Push
	case p.paperless && r.email && wants < 15:
		r.wish = channel.Email
	}
	return r
}

func pick[T any](yes bool, one, other T) T {
	if yes {
		return one
	}
	return other
}

// appendRow writes a customer's row of a month, in the order of header.
func (w *world) appendRow(out []byte, c *customer, month key.Month) []byte {
	p := &w.plans[c.plan]
	identity := newDraws(w.seed, forIdentity, c.id(), 0)
	who := c.person(identity.percent(50), &identity)
	where := place{}
	if !c.korean {
		where = places[identity.weighted(placeTotals)]
	}
	r := p.reach(&identity)

	out = append(w.appendNumber(out, c.id()), ',')
	out = append(who.appendName(out), ',')
	if r.email {
		mail := newDraws(w.seed, forMail, c.id(), 0)
		out = who.appendEmail(out, c, &mail)
	}
	out = append(out, ',')
	if r.phone {
		phone := newDraws(w.seed, forPhone, c.id(), 0)
		out = appendPhone(out, where, &phone)
	}
	out = append(out, ',')
	if r.token {
		token := newDraws(w.seed, forToken, c.id(), 0)
		out = appendToken(out, &token)
	}
	out = append(out, pick(c.korean, ",ko,KRW,", ",en,USD,")...)
	out = append(c.appendAmount(out, c.amount), ',')
	if c.billed > 0 {
		out = c.appendAmount(out, c.before)
	}
	out = append(out, ',')
	out = w.appendDue(out, c, month)
	out = c.appendItems(append(out, ',', '"', '['), p)
	out = append(out, ']', '"', ',')
	out = w.appendWishes(out, c, where)
	out = append(append(append(out, ','), r.wish...), ',')
	out = append(out, pick(c.korean, payments[p.payment].korean, payments[p.payment].name)...)
	return append(out, '\n')
}

func (w *world) appendDue(out []byte, c *customer, month key.Month) []byte {
	d := newDraws(w.seed, forDue, c.id(), 0)
	out = appendDigits(out, month.Year(), 4)
	out = appendDigits(append(out, '-'), int(month.Month()), 2)
	return appendDigits(append(out, '-'), dueDays[d.weighted(dueTotals)].day, 2)
}

// appendWishes writes quiet hours, zone and send day.
func (w *world) appendWishes(out []byte, c *customer, where place) []byte {
	d := newDraws(w.seed, forWishes, c.id(), 0)
	quiet, hours := d.percent(w.wishes.Quiet), quietHours[d.weighted(quietTotals)]
	if quiet {
		out = append(append(out, hours.from...), ',')
		out = append(out, hours.to...)
	} else {
		out = append(out, ',')
	}
	out = append(append(out, ','), where.zone...)
	out = append(out, ',')
	wants, day := d.percent(w.wishes.SendDay), sendDays[d.weighted(sendTotals)].day
	if wants {
		out = strconv.AppendInt(out, int64(day), 10)
	}
	return out
}

// appendAmount writes minor units of the customer's currency as a decimal number.
func (c *customer) appendAmount(out []byte, amount int64) []byte {
	if c.korean {
		return strconv.AppendInt(out, amount, 10)
	}
	if amount < 0 {
		out, amount = append(out, '-'), -amount
	}
	out = append(strconv.AppendInt(out, amount/100, 10), '.')
	return appendDigits(out, int(amount%100), 2)
}

// appendItems lists the services at their list price, and what is left of the amount as usage or discount.
func (c *customer) appendItems(out []byte, p *plan) []byte {
	rest := c.amount
	item := func(name string, amount int64) {
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		out = append(append(out, `{""name"":""`...), name...)
		out = c.appendAmount(append(out, `"",""amount"":""`...), amount)
		out = append(out, `""}`...)
	}
	for i := range services {
		if !p.takes(i) {
			continue
		}
		price := c.money(services[i].cents)
		rest -= price
		item(pick(c.korean, services[i].korean, services[i].english), price)
	}
	switch {
	case rest > 0:
		item(pick(c.korean, "이용 요금", "Usage"), rest)
	case rest < 0:
		item(pick(c.korean, "할인", "Discount"), rest)
	}
	return out
}
