package kafka

import (
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
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

func newProducer(cluster Cluster) *producer {
	return &producer{
		ready:    make(chan struct{}),
		finished: make(chan struct{}),
		retired:  make(chan struct{}),
		dialer:   newDialer(cluster),
	}
}

// connect connects and asks the brokers for a producer id. onAck is called for every message that is acknowledged,
// onError for every one that failed.
func (p *producer) connect(cluster Cluster, onAck func(), onError func(error)) {
	defer close(p.ready)
	settings := producing(cluster, p.dialer)
	p.client, p.err = sarama.NewClient(cluster.Brokers, settings)
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

// producing returns the settings of sarama for a producer.
func producing(cluster Cluster, dialer *dialer) *sarama.Config {
	s := cluster.client(dialer)
	s.Net.MaxOpenRequests = 1 // together with Idempotent it keeps a partition's order when sarama retries
	s.Producer.Idempotent = true
	s.Producer.RequiredAcks = sarama.WaitForAll
	s.Producer.Return.Successes = true
	s.Producer.Return.Errors = true
	s.Producer.Partitioner = sarama.NewMurmur2Partitioner
	s.Producer.MaxMessageBytes = maxMessageBytes
	s.Producer.Timeout = cluster.Timeouts.Request / 2
	s.Producer.Compression = sarama.CompressionLZ4 // BenchmarkProduce: as fast as none or faster, zstd a third slower
	s.Producer.Retry.Max = 6                       // about four seconds: as long as the election of a partition's leader takes
	s.Producer.Retry.BackoffFunc = func(retries, _ int) time.Duration {
		return min(50*time.Millisecond<<retries, time.Second)
	}
	s.Producer.Retry.MaxBufferLength = 16 << 10
	s.Producer.Retry.MaxBufferBytes = 32 << 20
	s.Producer.Transaction.Retry.Max = 3 // asking for the producer id; the default keeps trying for five seconds
	s.ChannelBufferSize = 256
	return s
}
