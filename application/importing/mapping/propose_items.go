package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/domain/wording"
)

// items finds where the lines of a bill are: in several rows of one customer, in numbered columns, or in columns of their own.
func (p *proposing) items() {
	if p.taken("items") {
		return
	}
	if p.repeated() || p.numbered() {
		return
	}
	for at, name := range p.header.Names {
		if p.used[at] || len(p.samples[at]) == 0 || !p.isItem(at) || p.share(at, func(v string) bool { return isAmount(v) || isNothing(v) }) < enoughValues {
			continue
		}
		p.used[at] = true
		p.Mapping.Items = append(p.Mapping.Items, Item{Text: strings.TrimSpace(withoutUnit(name)), Amount: name, Skip0: true})
	}
}

func (p *proposing) isItem(at int) bool {
	name := p.header.Names[at]
	if p.table.items[key(name)] || p.table.items[key(withoutUnit(name))] {
		return true
	}
	return at < len(p.header.below) && p.table.items[key(withoutUnit(p.header.below[at]))]
}

// detail is what part of an item a column's name says: item_name, item_amount or item_count.
func (p *proposing) detail(name string) string {
	if found := p.table.details[key(name)]; found != "" {
		return found
	}
	return p.table.details[key(withoutUnit(name))]
}

// repeated finds bills of several rows: of one customer, next to each other, with a name and an amount in each.
func (p *proposing) repeated() bool {
	at := p.from("customer_number")
	if at < 0 {
		return false
	}
	again, before := 0, map[string]int{}
	apart := false
	for i, row := range p.rows {
		customer := strings.TrimSpace(fieldOf(row, at))
		if last, there := before[customer]; there && customer != "" {
			again++
			apart = apart || last != i-1
		}
		before[customer] = i
	}
	if again == 0 {
		return false
	}
	name, amount, count := -1, -1, -1
	for i, header := range p.header.Names {
		switch detail := p.detail(header); {
		case detail == "item_name" && name < 0 && (!p.used[i] || p.from("name") == i):
			name = i
		case detail == "item_amount" && (amount < 0 || p.used[amount] && !p.used[i]) && p.share(i, isAmount) >= enoughValues:
			amount = i
		case detail == "item_count" && count < 0 && !p.used[i]:
			count = i
		}
	}
	if name < 0 || amount < 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d of %d sample rows %s a customer, and no columns with the name and amount of an item were found: the further rows of a customer will be refused", again, len(p.rows), wording.Form(again, "repeats", "repeat")))
		return false
	}
	total := p.from("amount")
	p.Mapping.OneBill = "customer"
	item := Item{Name: p.header.Names[name], Amount: p.header.Names[amount]}
	if count >= 0 {
		item.Times = p.header.Names[count]
		p.used[count] = true
	}
	p.Mapping.Items = []Item{item}
	p.used[name], p.used[amount] = true, true
	if _, set := p.answers.Set["amount"]; !set && (total < 0 || total == amount || p.differs(total)) {
		if total >= 0 && total != amount {
			p.used[total] = false
		}
		p.Mapping.drop("amount")
		p.Mapping.Columns = append(p.Mapping.Columns, Column{From: Names{SumOfItems}, To: "amount"})
		p.Why["amount"] = "the items of a customer come to it"
	}
	if apart {
		p.Notes = append(p.Notes, "the rows of a customer are not next to each other: sort the file by "+strconv.Quote(p.header.Names[at])+" before the import, which refuses it otherwise")
	}
	return true
}

// differs reports whether a column has different values in the rows of one customer.
func (p *proposing) differs(at int) bool {
	customer := p.from("customer_number")
	first := map[string]string{}
	for _, row := range p.rows {
		who, value := strings.TrimSpace(fieldOf(row, customer)), strings.TrimSpace(fieldOf(row, at))
		if before, there := first[who]; there && before != value {
			return true
		}
		first[who] = value
	}
	return false
}

var numberIn = regexp.MustCompile(`\d+`)

// numbered finds items in numbered columns: 항목1, 금액1, 항목2, 금액2, …
func (p *proposing) numbered() bool {
	names, amounts := map[string]int{}, map[string]int{}
	var numbers []string
	for at, header := range p.header.Names {
		n := numberIn.FindString(header)
		if n == "" || p.used[at] {
			continue
		}
		switch p.detail(strings.Replace(header, n, "", 1)) {
		case "item_name":
			names[n] = at
		case "item_amount":
			amounts[n] = at
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, n := range numbers {
		name, there := names[n]
		if !there {
			continue
		}
		p.used[name], p.used[amounts[n]] = true, true
		p.Mapping.Items = append(p.Mapping.Items, Item{Name: p.header.Names[name], Amount: p.header.Names[amounts[n]]})
	}
	return len(p.Mapping.Items) > 0
}
