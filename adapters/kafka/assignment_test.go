package kafka

import (
	"context"
	"testing"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

func TestAPartitionContinuesUnlessSomebodyElseMovedItsOffset(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		began, marked, done int64 // 0: nothing was marked or done yet
		last                int64 // handed out
		committed           int64 // what the next session begins with; -1: nothing
		want                bool
	}{
		"nothing was ever committed":                       {began: -1, committed: -1, want: true},
		"nothing was committed since":                      {began: 40, committed: 40, want: true},
		"what is done was not committed yet":               {began: 40, done: 50, committed: 40, want: true},
		"what is done was committed":                       {began: 40, marked: 50, done: 50, committed: 50, want: true},
		"more is done than was committed":                  {began: 40, marked: 50, done: 60, committed: 50, want: true},
		"another member has read what is done here":        {began: 40, marked: 50, done: 60, committed: 55, want: true},
		"another member has read more":                     {began: 40, marked: 50, done: 60, committed: 61},
		"the offset was set back":                          {began: 40, marked: 50, done: 60, committed: 45},
		"the offset was set back to where it began":        {began: 40, marked: 50, done: 60, committed: 40},
		"the offset was set back before anything was done": {began: 40, committed: 10},
		"the log ends before what was handed out":          {began: 40, marked: 50, done: 60, last: 100, committed: 50},
		"the offset is gone":                               {began: 40, marked: 50, done: 60, committed: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &assignment{began: c.began, last: max(c.last, c.done-1)}
			a.given, a.next = c.marked, c.done
			if got := a.continues(readable{committed: c.committed, end: 100}); got != c.want {
				t.Errorf("began at %d, marked %d, done before %d, committed %d: continues is %v", c.began, c.marked, c.done, c.committed, got)
			}
		})
	}
}

func TestAMessageThatAnEarlierSessionHandedOutIsNotHandedOutAgain(t *testing.T) {
	t.Parallel()
	got := make(chan int64, 10)
	a := &assignments{run: t.Context(), of: map[int32]*assignment{}, handle: func(_ context.Context, m port.Received) { got <- m.Offset }}
	session := func(committed int64, offsets []int64, want ...int64) {
		t.Helper()
		a.assign(map[int32]readable{3: {committed: committed, end: 100}})
		for _, offset := range offsets {
			if !a.of[3].take(t.Context(), &sarama.ConsumerMessage{Partition: 3, Offset: offset}) {
				t.Fatal("the context has ended")
			}
		}
		for _, offset := range want {
			if is := <-got; is != offset {
				t.Fatalf("offset %d was handed out, want %d of %v", is, offset, want)
			}
		}
	}
	session(10, []int64{10, 11, 14}, 10, 11, 14)
	session(10, []int64{10, 11, 14, 15}, 15) // a rebalance: nothing is done yet
	session(7, []int64{7}, 7)                // set back, to have messages read again
	a.end()
	if len(got) > 0 {
		t.Errorf("offset %d was handed out as well", <-got)
	}
}
