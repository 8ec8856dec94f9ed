package kafka

import (
	"sync"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// batch holds the messages of one Publish and what became of each.
type batch struct {
	records []sarama.ProducerMessage
	slots   []slot
	done    chan struct{} // closed when every message has its answer

	mu       sync.Mutex
	answered []bool
	answers  []error
	open     int
}

// slot names the message that an answer of sarama is for.
type slot struct {
	batch *batch
	index int
}

// newBatch copies what it is given: sarama may still hold the messages when Publish has given up waiting. All texts of a
// batch lie in one piece of memory, because a dozen small ones a message are work for the collector of garbage.
func newBatch(topic string, messages []port.Message) *batch {
	b := &batch{
		records:  make([]sarama.ProducerMessage, len(messages)),
		slots:    make([]slot, len(messages)),
		done:     make(chan struct{}),
		answered: make([]bool, len(messages)),
		answers:  make([]error, len(messages)),
		open:     len(messages),
	}
	size, headers := 0, 0
	for i := range messages {
		size += len(messages[i].Key) + len(messages[i].Value)
		headers += len(messages[i].Headers)
		for _, h := range messages[i].Headers {
			size += len(h.Name) + len(h.Value)
		}
	}
	all := texts{make([]byte, 0, size)}
	names := make([]sarama.RecordHeader, 0, headers)
	for i := range messages {
		first := len(names)
		for _, h := range messages[i].Headers {
			names = append(names, sarama.RecordHeader{Key: copied(&all, h.Name), Value: copied(&all, h.Value)})
		}
		b.slots[i] = slot{batch: b, index: i}
		b.records[i] = sarama.ProducerMessage{
			Topic:    topic,
			Key:      sarama.ByteEncoder(copied(&all, messages[i].Key)),
			Value:    sarama.ByteEncoder(copied(&all, messages[i].Value)),
			Headers:  names[first:len(names):len(names)],
			Metadata: &b.slots[i],
		}
	}
	return b
}

// texts is a buffer for the texts of a batch.
type texts struct{ buffer []byte }

// copied puts a text into the buffer and returns it there.
func copied[T string | []byte](to *texts, text T) []byte {
	from := len(to.buffer)
	to.buffer = append(to.buffer, text...)
	return to.buffer[from:len(to.buffer):len(to.buffer)]
}

// answer notes what became of one message; only the first answer counts.
func (s *slot) answer(err error) {
	b := s.batch
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answered[s.index] {
		return
	}
	b.answered[s.index], b.answers[s.index] = true, err
	if b.open--; b.open == 0 {
		close(b.done)
	}
}

// fail answers, with err, every message from an index on that has no answer yet.
func (b *batch) fail(from int, err error) {
	for i := from; i < len(b.slots); i++ {
		b.slots[i].answer(err)
	}
}

// result returns the answers; every message must have one.
func (b *batch) result() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answers
}
