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

// exactBits are the last bits of a hash: of the number itself. Those before, and the table, are of what it looks like.
const exactBits = 20

// add notes a customer's line. If the customer came before, or one with a number that looks like it, it returns the line on
// which that came first.
func (f *firstLines) add(customer string, line uint32) (first, alike uint32) {
	sum := sha256.Sum256([]byte(customer))
	exact := binary.BigEndian.Uint64(sum[:])
	if shape := bill.Lookalike(customer); shape != customer {
		sum = sha256.Sum256([]byte(shape))
	}
	hash := binary.BigEndian.Uint64(sum[:])>>exactBits<<exactBits | exact&(1<<exactBits-1)
	return f.tables[binary.BigEndian.Uint16(sum[30:])%uint16(len(f.tables))].add(max(hash, 1), line)
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
	shape := hash >> exactBits
	high, _ := bits.Mul64(shape<<exactBits, uint64(len(t.hashes)))
	at, similar = int(high), -1
	for t.hashes[at] != 0 && t.hashes[at] != hash {
		if similar < 0 && t.hashes[at]>>exactBits == shape {
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
