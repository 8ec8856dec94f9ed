package generate

import (
	"io"
	"math/bits"

	"github.com/balsong/balsong/domain/key"
)

// A month's customers stand in slots, one row each. A slot's customer stays until they leave; another arrives in
// the month after. So the number of rows stays the same, and the first thousand rows are the same however many follow.
type world struct {
	*fit
	seed    uint64
	since   key.Month
	wishes  Wishes
	numbers uint64 // where customer numbers begin
}

func newWorld(o Options, sample io.Reader) (*world, error) {
	f, err := newFit(sample)
	if err != nil {
		return nil, err
	}
	start := newDraws(o.Seed, forWorld, 0, 0)
	return &world{fit: f, seed: o.Seed, since: o.Since, wishes: o.Wishes, numbers: start.next() % customerNumbers}, nil
}

// changesPlan is the chance that a customer changes plans from one month to the next: 1 %.
var changesPlan = oddsOf(1, 100)

// arrivalTenure bounds the customers of the sample data whose plans those who arrive take, in months.
const arrivalTenure = 6

// customer is one customer in one month.
type customer struct {
	slot, generation int   // the generation-th customer of the slot, from 0
	plan             int   // position in fit.plans
	amount           int64 // of the month, in minor units of the customer's currency
	before           int64 // billed in all months before
	billed           int   // number of months billed before
	korean           bool  // language and currency
	changed          bool  // has another plan than the month before
}

func (c *customer) id() uint64 { return uint64(c.generation)*MaxRows + uint64(c.slot) }

// customer returns who stands in a slot in a month.
func (w *world) customer(slot int, month key.Month) customer {
	c := w.beginning(slot)
	for at := w.since; at < month; at++ {
		chance := newDraws(w.seed, forMonth, c.id(), uint64(at))
		drawn := chance.next()
		plan := &w.plans[c.plan]
		if odds(drawn) < w.leaves[plan.contract][tenureBand(c.billed+1)] {
			c = w.arrival(slot, c.generation+1)
			continue
		}
		c.before += c.amount
		c.billed++
		c.changed = false
		if odds(drawn>>32) < changesPlan {
			w.change(&c, &chance)
		}
	}
	return c
}

// beginning is who stands in a slot at the beginning: any customer of the sample data.
func (w *world) beginning(slot int) customer {
	d := newDraws(w.seed, forArrival, uint64(slot), 0)
	c := customer{slot: slot, plan: d.below(len(w.plans)), korean: d.percent(koreanShare)}
	plan := &w.plans[c.plan]
	cents := w.charge(plan, &d)
	c.amount = c.money(cents)
	c.billed = int(plan.tenure)
	c.before = c.money(plan.billed * cents / plan.charges)
	return c
}

// arrival is a customer who was billed nothing before, with a plan that new customers take.
func (w *world) arrival(slot, generation int) customer {
	d := newDraws(w.seed, forArrival, uint64(slot), uint64(generation))
	c := customer{slot: slot, generation: generation, plan: d.below(w.fit.first[arrivalTenure+1]), korean: d.percent(koreanShare)}
	c.amount = c.money(w.charge(&w.plans[c.plan], &d))
	return c
}

// change gives a customer another plan: of eight that customers of about the same tenure have, the one that
// differs least from the old one.
func (w *world) change(c *customer, d *draws) {
	from, to := w.near(c.billed)
	best, fewest := c.plan, len(services)+2
	for range 8 {
		drawn := from + d.below(to-from)
		differs := bits.OnesCount16(w.plans[drawn].services ^ w.plans[c.plan].services)
		if w.plans[drawn].contract != w.plans[c.plan].contract {
			differs++
		}
		if differs > 0 && differs < fewest {
			best, fewest = drawn, differs
		}
	}
	c.changed = best != c.plan
	c.plan = best
	c.amount = c.money(w.charge(&w.plans[best], d))
}

// charge is what a plan costs a customer a month: the list price and what customers of that kind of line pay more or
// less, in cents.
func (w *world) charge(p *plan, d *draws) int64 {
	extra := w.extra[p.line()]
	return p.list() + int64(extra[d.below(len(extra))])
}

// money turns cents into minor units of the customer's currency: a dollar is 1,300 won, in steps of ten.
func (c *customer) money(cents int64) int64 {
	if c.korean {
		return (cents*13 + 5) / 10 * 10
	}
	return cents
}
