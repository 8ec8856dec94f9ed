package kafka

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"github.com/balsong/balsong/application/port"
)

// producer is one producer of sarama, from connecting to its end. A Publisher uses up many: whatever fails on the way
// to the brokers ends a producer, because after an error of the sequence or a new epoch an idempotent producer of
// sarama may keep failing, its circuit breakers stay open for ten seconds, and what it still holds is stale.
type producer struct {
	ready    chan struct{} // closed when connecting has ended, one way or the other
	err      error         // why it could not connect; read after ready
	finished chan struct{} // closed when every message has its answer and the connections are closed

	dialer  *dialer
	client  sarama.Client
	async   sarama.AsyncProducer
	retired chan struct{} // closed when it takes no more messages
	lastAck atomic.Int64  // monotonic nanoseconds since epoch

	senders int // guarded by Publisher.mu: Publish calls that may still write to the input
	closing bool
}

var epoch = time.Now() // of the monotonic readings in lastAck

func newProducer(config Config) *producer {
	return &producer{
		ready:    make(chan struct{}),
		finished: make(chan struct{}),
		retired:  make(chan struct{}),
		dialer:   newDialer(config),
	}
}

// connect connects and asks the brokers for a producer id. onAck is called for every message that is acknowledged,
// onError for every one that failed.
func (p *producer) connect(config Config, onAck func(), onError func(error)) {
	defer close(p.ready)
	settings := config.producing(p.dialer)
	p.client, p.err = sarama.NewClient(config.Brokers, settings)
	if p.err == nil {
		if p.async, p.err = sarama.NewAsyncProducerFromClient(p.client); p.err != nil {
			_ = p.client.Close()
		}
	}
	if p.err != nil {
		p.dialer.abort()
		close(p.finished)
		return
	}
	acks := make(chan struct{})
	go func() {
		defer close(acks)
		for record := range p.async.Successes() {
			p.lastAck.Store(int64(time.Since(epoch)))
			onAck()
			record.Metadata.(*slot).answer(nil)
		}
	}()
	go func() {
		for failure := range p.async.Errors() {
			onError(failure.Err)
			failure.Msg.Metadata.(*slot).answer(unavailable("publish to "+failure.Msg.Topic, failure.Err))
		}
		<-acks
		_ = p.client.Close()
		p.dialer.abort()
		close(p.finished)
	}()
}

// end flushes what the producer holds, for patience at most; then it cuts the connections.
func (p *producer) end(patience time.Duration) {
	p.async.AsyncClose()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.finished:
	case <-timer.C:
		p.dialer.abort()
	}
}

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
