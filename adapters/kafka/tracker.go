package kafka

import "sync"

// tracker knows which messages of one partition are done, and so which offset may be committed: the one behind the
// contiguous prefix of done messages, in the order in which they were handed out. Committing more would bury an
// earlier message that is not done. Offsets may have gaps (compaction, markers of transactions): only the order counts.
// Safe for concurrent use.
type tracker struct {
	mu      sync.Mutex
	waiting []*pending // what was handed out, from head on; the first of them is not done
	head    int
	next    int64 // to commit; 0: nothing is done
	given   int64 // what committable returned last
}

// pending is one message that was handed out.
type pending struct {
	tracker *tracker
	offset  int64
	done    bool
}

// add notes a message that is about to be handed out. Offsets must be added in rising order.
func (t *tracker) add(offset int64) *pending {
	p := &pending{tracker: t, offset: offset}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, p)
	return p
}

// finish notes that the message is done. Calling it again changes nothing.
func (p *pending) finish() {
	t := p.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	p.done = true
	for t.head < len(t.waiting) && t.waiting[t.head].done {
		t.next = t.waiting[t.head].offset + 1
		t.waiting[t.head] = nil
		t.head++
	}
	if t.head > 64 && t.head*2 > len(t.waiting) {
		kept := copy(t.waiting, t.waiting[t.head:])
		clear(t.waiting[kept:])
		t.waiting, t.head = t.waiting[:kept], 0
	}
}

// committable returns the offset to commit, and whether it has risen since the last call.
func (t *tracker) committable() (offset int64, risen bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	risen = t.next > t.given
	t.given = t.next
	return t.next, risen
}

// marks returns the offset behind what is done, and the one that committable returned last; 0: none.
func (t *tracker) marks() (done, marked int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next, t.given
}

// unfinished returns how many messages were handed out and are not yet behind the committable offset: those not done,
// and those done after an earlier one that is not.
func (t *tracker) unfinished() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.waiting) - t.head
}
