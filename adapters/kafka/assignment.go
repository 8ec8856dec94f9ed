package kafka

import (
	"context"
	"sync"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// handover is how many messages of a partition may wait for its handler, beside those in sarama's channel.
const handover = 16

// assignments are the partitions that a member reads. They outlive the sessions: while the group rebalances nothing is fetched, and what
// was handed out before goes on, because a group whose members come and go rebalances for much of the time. Only the end of a session
// shows which partitions the next one has, so a partition that is taken away ends with the next session's start.
// Between sessions a partition may have been read by another member as well; the claim decides who makes a call (R2).
type assignments struct {
	run     context.Context //nolint:containedctx // Run's
	topic   port.Topic
	handle  func(ctx context.Context, message port.Received)
	of      map[int32]*assignment
	handing sync.WaitGroup
}

// assignment is one partition, from the session in which it came to the member to the one in which it is gone.
type assignment struct {
	tracker
	end      context.CancelFunc
	messages chan *sarama.ConsumerMessage
	began    int64 // committed offset at its begin
	last     int64 // offset of the last message in messages; -1: none yet
}

// assign ends the assignments that a session does not continue, and begins its new ones, so that there is one for each partition.
func (a *assignments) assign(partitions map[int32]readable) {
	for partition, had := range a.of {
		if from, stays := partitions[partition]; !stays || !had.continues(from) {
			had.end()
			delete(a.of, partition)
		}
	}
	for partition, from := range partitions {
		if a.of[partition] == nil {
			a.of[partition] = a.begin(from.committed)
		}
	}
}

// begin begins an assignment: its messages are handed out one after another until it ends.
func (a *assignments) begin(committed int64) *assignment {
	ctx, end := context.WithCancel(a.run)
	begun := &assignment{end: end, messages: make(chan *sarama.ConsumerMessage, handover), began: committed, last: -1}
	a.handing.Go(func() {
		for {
			message, more := next(ctx, begun.messages)
			if !more {
				return
			}
			a.handle(ctx, received(a.topic, message, begun.add(message.Offset)))
		}
	})
	return begun
}

// end ends all assignments, and returns once no message is being handed out.
func (a *assignments) end() {
	a.assign(nil)
	a.handing.Wait()
}

// continues reports whether a session continues the assignment: nobody else has committed more than is done here, nobody has set the
// offset back, to have messages read again, and the log has not lost messages, whose offsets others would get.
func (a *assignment) continues(from readable) bool {
	done, marked := a.marks()
	marked = max(marked, a.began, 0)
	committed := max(from.committed, 0)
	return marked <= committed && committed <= max(done, marked) && a.last < from.end
}

// take takes a message to hand it out, unless that was done in an earlier session. It reports false if the context ended first.
func (a *assignment) take(ctx context.Context, message *sarama.ConsumerMessage) bool {
	if message.Offset <= a.last {
		return true
	}
	select {
	case a.messages <- message:
		a.last = message.Offset
		return true
	case <-ctx.Done():
		return false
	}
}
