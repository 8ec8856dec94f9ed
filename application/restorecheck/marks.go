package restorecheck

import (
	"slices"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// marks keeps a number from 1 to 7 for each of many delivery keys. User ids are given one after the other, so that 64 of them share an
// entry: it takes about a byte a key (ADR 0055).
type marks map[block][3]uint64

// block is 64 user ids of one attempt and round.
type block struct {
	month          key.Month
	attempt, round int16
	users          int64
}

func placeOf(k key.Delivery) (b block, bit uint64) {
	return block{month: k.Month, attempt: k.Attempt, round: k.Round, users: k.UserID / 64}, 1 << (k.UserID % 64)
}

// mark returns the number of a key; 0 where it has none.
func (m marks) mark(k key.Delivery) (n uint) {
	b, bit := placeOf(k)
	for i, word := range m[b] {
		if word&bit != 0 {
			n |= 1 << i
		}
	}
	return n
}

func (m marks) set(k key.Delivery, n uint) {
	b, bit := placeOf(k)
	words := m[b]
	for i := range words {
		words[i] &^= bit
		if n&(1<<i) != 0 {
			words[i] |= bit
		}
	}
	m[b] = words
}

// tally counts keys by the last state that each was given.
type tally struct {
	keys marks
	rows map[attempt.State]int
}

func newTally() tally { return tally{keys: marks{}, rows: map[attempt.State]int{}} }

// state returns the last state of a key; "" where it has none.
func (t tally) state(k key.Delivery) attempt.State {
	if n := t.keys.mark(k); n > 0 {
		return attempt.States[n-1]
	}
	return ""
}

func (t tally) set(k key.Delivery, state attempt.State) {
	if before := t.state(k); before != "" {
		t.rows[before]--
		if t.rows[before] == 0 {
			delete(t.rows, before)
		}
	}
	t.rows[state]++
	t.keys.set(k, uint(slices.Index(attempt.States, state)+1))
}

// lost counts targets that the database does not have, each once.
type lost struct {
	targets marks
	months  map[key.Month]MonthReport
}

func newLost() lost { return lost{targets: marks{}, months: map[key.Month]MonthReport{}} }

func (l lost) add(k key.Target) {
	of := key.Delivery{Month: k.Month, UserID: k.UserID}
	if l.targets.mark(of) > 0 {
		return
	}
	l.targets.set(of, 1)
	m := l.months[k.Month]
	if m.Month = k.Month; k.CopyNumber() > 0 {
		m.Copies++
	} else {
		m.Bills++
	}
	l.months[k.Month] = m
}
