package generate

import (
	"math/bits"
	"strconv"
)

// koreanShare is how many of a hundred customers are billed in Korean and in won; the others in English and in dollars.
const koreanShare = 85

// customerNumbers is how many there are: four digits and five letters.
const customerNumbers = 10_000 * 26 * 26 * 26 * 26 * 26

// numberStep has no divisor in common with customerNumbers (2, 5 and 13): so no two customers share a number.
const numberStep = 61_803_398_877

// appendNumber writes the customer number of an id, such as 7590-VHVEG.
func (w *world) appendNumber(out []byte, id uint64) []byte {
	high, low := bits.Mul64(id, numberStep)
	low, carry := bits.Add64(low, w.numbers, 0)
	n := bits.Rem64(high+carry, low, customerNumbers)
	digits, letters := n%10_000, n/10_000
	out = append(out, byte('0'+digits/1000), byte('0'+digits/100%10), byte('0'+digits/10%10), byte('0'+digits%10), '-')
	for range 5 {
		out = append(out, byte('A'+letters%26))
		letters /= 26
	}
	return out
}

// person is what a customer is called: drawn once, for good.
type person struct {
	korean               bool
	sex                  int // 0 a woman, 1 a man
	family, first, other int // positions in the lists of names
}

func (c *customer) person(male bool, d *draws) person {
	p := person{korean: c.korean}
	if male {
		p.sex = 1
	}
	if !p.korean {
		p.family, p.first = d.weighted(englishFamilyTotals), d.weighted(englishGivenTotals[p.sex])
		return p
	}
	p.family = d.weighted(koreanFamilyTotals)
	p.first, p.other = d.weighted(koreanGivenTotals[p.sex][0]), d.weighted(koreanGivenTotals[p.sex][1])
	if koreanGiven[p.sex][0][p.first].hangul == koreanGiven[p.sex][1][p.other].hangul { // nobody is called 민민
		p.other = (p.other + 1) % len(koreanGiven[p.sex][1])
	}
	return p
}

func (p person) appendName(out []byte) []byte {
	if !p.korean {
		out = append(append(out, englishGiven[p.sex][p.first]...), ' ')
		return append(out, englishFamilies[p.family]...)
	}
	out = append(out, koreanFamilies[p.family].hangul...)
	out = append(out, koreanGiven[p.sex][0][p.first].hangul...)
	return append(out, koreanGiven[p.sex][1][p.other].hangul...)
}

// mailDomains are reserved for examples by RFC 2606: nobody receives mail there.
var mailDomains = [...]string{"example.com", "example.com", "example.net", "example.org", "mail.example", "post.example"}

// appendEmail writes an address that no other customer has: the name, the slot and the generation in it.
func (p person) appendEmail(out []byte, c *customer, d *draws) []byte {
	if p.korean {
		out = append(out, koreanGiven[p.sex][0][p.first].roman...)
		out = append(append(out, koreanGiven[p.sex][1][p.other].roman...), '.')
		out = append(out, koreanFamilies[p.family].roman...)
	} else {
		out = append(appendLower(out, englishGiven[p.sex][p.first]), '.')
		out = appendLower(out, englishFamilies[p.family])
	}
	out = strconv.AppendInt(out, int64(c.slot)+1, 10)
	if c.generation > 0 {
		out = strconv.AppendInt(append(out, '-'), int64(c.generation), 10)
	}
	return append(append(out, '@'), mailDomains[d.below(len(mailDomains))]...)
}

func appendLower(out []byte, name string) []byte {
	for i := range len(name) {
		out = append(out, name[i]|0x20)
	}
	return out
}

// Telephone numbers that belong to nobody: 010-0000-XXXX in Korea; 555-0100 to 555-0199 of each area code in North
// America; 07700 900000 to 900999 in the United Kingdom (Ofcom's numbers for drama). Many customers share one.
func appendPhone(out []byte, where place, d *draws) []byte {
	switch {
	case where.area == 0 && where.zone == zoneLondon:
		return appendDigits(append(out, "+447700900"...), d.below(1000), 3)
	case where.area == 0:
		return appendDigits(append(out, "010-0000-"...), d.below(10_000), 4)
	}
	out = strconv.AppendInt(append(out, "+1"...), int64(where.area), 10)
	return appendDigits(append(out, "55501"...), d.below(100), 2)
}

func appendDigits(out []byte, n, digits int) []byte {
	for power := pow10(digits - 1); power > 0; power /= 10 {
		out = append(out, byte('0'+n/power%10))
	}
	return out
}

func pow10(n int) int {
	power := 1
	for range n {
		power *= 10
	}
	return power
}

// place is where a customer lives: empty for the place of the import, Korea.
type place struct {
	zone   string
	area   int // of a North American telephone number
	weight int
}

const zoneLondon = "Europe/London"

// places of customers who are billed in English, in thousandths; the first is Korea.
var places = []place{
	{"", 0, 850},
	{"America/New_York", 212, 45},
	{"America/Los_Angeles", 213, 40},
	{"America/Chicago", 312, 25},
	{zoneLondon, 0, 25},
	{"America/Denver", 303, 15},
}

var placeTotals = running(places, func(p place) int { return p.weight })

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// appendToken writes a push token of no push service.
func appendToken(out []byte, d *draws) []byte {
	out = append(out, "demo-"...)
	for range 2 {
		drawn := d.next()
		for range 10 {
			out = append(out, base62[drawn%62])
			drawn /= 62
		}
	}
	return out
}
