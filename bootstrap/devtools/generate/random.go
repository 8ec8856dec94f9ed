package generate

import "math/bits"

// draws is a stream of random numbers: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
// 2014). Its definition fits in four lines, so it will never give other numbers.
type draws struct{ state uint64 }

// What a stream is for: streams of the same customer for different purposes have nothing to do with each other.
const (
	forWorld uint64 = iota + 1
	forArrival
	forMonth
	forIdentity
	forWishes
	forMail
	forPhone
	forToken
	forDue
)

const golden = 0x9e3779b97f4a7c15

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// newDraws is the stream of a purpose and two numbers.
func newDraws(seed, purpose, a, b uint64) draws {
	state := mix(seed + golden*purpose)
	state = mix(state ^ mix(a+golden))
	return draws{state: mix(state + golden*b)}
}

func (d *draws) next() uint64 {
	d.state += golden
	return mix(d.state)
}

// below draws one of 0 … n-1.
func (d *draws) below(n int) int {
	high, _ := bits.Mul64(d.next(), uint64(n))
	return int(high)
}

// percent says yes in so many of a hundred cases.
func (d *draws) percent(share int) bool { return d.below(100) < share }

// weighted draws an index: the chance of each is its share of the last of the running totals.
func (d *draws) weighted(totals []int) int {
	drawn := d.below(totals[len(totals)-1])
	low, high := 0, len(totals)-1
	for low < high {
		if middle := (low + high) / 2; totals[middle] > drawn {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// running adds weights up, for weighted.
func running[T any](list []T, weight func(T) int) []int {
	totals, total := make([]int, len(list)), 0
	for i, entry := range list {
		total += weight(entry)
		totals[i] = total
	}
	return totals
}
