package importing

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"

	"github.com/balsong/balsong/application/bill"
)

// firstLines remembers the line of a file on which each customer came first, by a hash of the customer number. Numbers
// that look alike have the same hash but for its last bits. It takes 12 bytes a slot, in hash tables that are at most
// 85 % full: some 80 MB for five million customers.
type firstLines struct{ tables [4096]lineTable }

type lineTable struct {
	hashes []uint64 // 0: free
	lines  []uint32
	used   int
}

// The last bits of a hash are of the number itself, and those before of the places of its blanks and hyphens (0: it has none).
// The rest, and the table, are of its letters (bill.Shape).
const (
	exactBits  = 20
	breakBits  = 9
	letterBits = 64 - exactBits - breakBits
)

// place returns the table of a customer number, and its hash.
func (f *firstLines) place(customer string) (*lineTable, uint64) {
	sum := sha256.Sum256([]byte(customer))
	exact := binary.BigEndian.Uint64(sum[:])
	shape := bill.ShapeOf(customer)
	if shape.Letters != customer {
		sum = sha256.Sum256([]byte(shape.Letters))
	}
	hash := binary.BigEndian.Uint64(sum[:]) >> (64 - letterBits) << breakBits
	if shape.Breaks != 0 {
		hash |= 1 + shape.Breaks%509 // a prime: all bits count
	}
	hash = hash<<exactBits | exact&(1<<exactBits-1)
	return &f.tables[binary.BigEndian.Uint16(sum[30:])%uint16(len(f.tables))], max(hash, 1)
}

// looksAlike reports whether the numbers of two hashes look alike.
func looksAlike(a, b uint64) bool {
	const breaks = 1<<breakBits - 1
	a, b = a>>exactBits, b>>exactBits
	return a == b || a>>breakBits == b>>breakBits && (a&breaks == 0 || b&breaks == 0)
}

// add notes a customer's line. If the customer came before, or one with a number that looks like it, it returns the line on
// which that came first.
func (f *firstLines) add(customer string, line uint32) (first, alike uint32) {
	table, hash := f.place(customer)
	return table.add(hash, line)
}

// like returns the line of a number that looks like the customer's; 0 where there is none, or the customer's own is noted.
func (f *firstLines) like(customer string) uint32 {
	table, hash := f.place(customer)
	if len(table.hashes) == 0 {
		return 0
	}
	at, similar := table.find(hash)
	if table.hashes[at] == hash || similar < 0 {
		return 0
	}
	return table.lines[similar]
}

func (t *lineTable) add(hash uint64, line uint32) (first, alike uint32) {
	if (t.used+1)*20 > len(t.hashes)*17 {
		t.grow()
	}
	at, similar := t.find(hash)
	if t.hashes[at] == hash {
		return t.lines[at], 0
	}
	if similar >= 0 {
		alike = t.lines[similar]
	}
	t.hashes[at], t.lines[at] = hash, line
	t.used++
	return 0, alike
}

// find returns the slot of a hash, or the free slot for it, and before that the first slot of a hash that looks like it; -1
// for none.
func (t *lineTable) find(hash uint64) (at, similar int) {
	high, _ := bits.Mul64(hash>>(exactBits+breakBits)<<(exactBits+breakBits), uint64(len(t.hashes)))
	at, similar = int(high), -1
	for t.hashes[at] != 0 && t.hashes[at] != hash {
		if similar < 0 && looksAlike(t.hashes[at], hash) {
			similar = at
		}
		if at++; at == len(t.hashes) {
			at = 0
		}
	}
	return at, similar
}

func (t *lineTable) grow() {
	old := *t
	size := max(16, len(old.hashes)+len(old.hashes)/4)
	t.hashes, t.lines = make([]uint64, size), make([]uint32, size)
	for i, hash := range old.hashes {
		if hash != 0 {
			at, _ := t.find(hash)
			t.hashes[at], t.lines[at] = hash, old.lines[i]
		}
	}
}
