package porttest_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/porttest"
)

// brokenLog is the log in memory with one part replaced.
func brokenLog(change func(*porttest.EventLog)) func(testing.TB) porttest.EventLog {
	return func(t testing.TB) porttest.EventLog {
		log := memoryEvents(t)
		log.Patience = 500 * time.Millisecond
		change(&log)
		return log
	}
}

type brokenPublisher func(ctx context.Context, topic port.Topic, messages []port.Message) []error

func (b brokenPublisher) Publish(ctx context.Context, topic port.Topic, messages []port.Message) []error {
	return b(ctx, topic, messages)
}

func TestThePublisherSuiteRejectsBrokenPublishers(t *testing.T) {
	t.Parallel()
	checks := porttest.PublisherChecks()
	broken := func(change func(port.Publisher) brokenPublisher) func(testing.TB) porttest.EventLog {
		return brokenLog(func(log *porttest.EventLog) { log.Publisher = change(log.Publisher) })
	}
	reject := func(name string, change func(port.Publisher) brokenPublisher, checkNames ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Reject(t, checks, broken(change), checkNames...)
		})
	}
	reject("acknowledges what it loses", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			if len(all) > 1 {
				return append(real.Publish(ctx, topic, all[1:]), nil)
			}
			return real.Publish(ctx, topic, all)
		}
	}, "keeps each acknowledged message as it was handed in", "takes from many at once")
	reject("loses headers", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			bare := slices.Clone(all)
			for i := range bare {
				bare[i].Headers = nil
			}
			return real.Publish(ctx, topic, bare)
		}
	}, "keeps each acknowledged message as it was handed in")
	reject("turns batches round", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			turned := slices.Clone(all)
			slices.Reverse(turned)
			return real.Publish(ctx, topic, turned)
		}
	}, "keeps the order of a key")
	reject("spreads a key over partitions", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			spread := slices.Clone(all)
			for i := range spread {
				spread[i].Key = string(spread[i].Value)
			}
			return real.Publish(ctx, topic, spread)
		}
	}, "keeps the order of a key")
	reject("writes later what it keeps", func(real port.Publisher) brokenPublisher {
		var kept []port.Message
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			now := kept
			kept = all
			if len(all) > 0 && string(all[0].Value) == "second" {
				now, kept = append(now, all...), nil
			}
			_ = real.Publish(ctx, topic, now)
			return make([]error, len(all))
		}
	}, "keeps nothing of what was handed in")
	reject("waits for ever", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			if ctx.Err() != nil {
				<-t.Context().Done()
			}
			return real.Publish(ctx, topic, all)
		}
	}, "returns once the context has ended")
	reject("acknowledges all once the context has ended", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			answers := real.Publish(ctx, topic, all)
			if ctx.Err() != nil {
				clear(answers)
			}
			return answers
		}
	}, "returns once the context has ended")
	reject("has an answer too many", func(real port.Publisher) brokenPublisher {
		return func(ctx context.Context, topic port.Topic, all []port.Message) []error {
			return append(real.Publish(ctx, topic, all), nil)
		}
	}, "answers nothing for nothing")
}

// brokenConsumer changes how messages reach their handler.
type brokenConsumer struct {
	real   port.Consumer
	around func(ctx context.Context, m port.Received, handle func(context.Context, port.Received))
	end    func(error) error
}

func (b brokenConsumer) Run(ctx context.Context, handle func(context.Context, port.Received)) error {
	err := b.real.Run(ctx, func(ctx context.Context, m port.Received) {
		if b.around == nil {
			handle(ctx, m)
			return
		}
		b.around(ctx, m, handle)
	})
	if b.end != nil {
		return b.end(err)
	}
	return err
}

type handler = func(context.Context, port.Received)

func TestTheConsumerSuiteRejectsBrokenConsumers(t *testing.T) {
	t.Parallel()
	checks := porttest.ConsumerChecks()
	reject := func(name string, around func() func(ctx context.Context, m port.Received, handle handler), checkNames ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Reject(t, checks, brokenLog(func(log *porttest.EventLog) {
				real := log.Consumer
				log.Consumer = func(group string) port.Consumer {
					return brokenConsumer{real: real(group), around: around()}
				}
			}), checkNames...)
		})
	}
	reject("skips messages", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			if m.Offset%5 == 3 {
				m.Done()
				return
			}
			handle(ctx, m)
		}
	}, "hands out everything, old and new", "gives every group everything")
	reject("skips what comes while it is not running", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			if m.Offset == 0 {
				m.Done()
				return
			}
			handle(ctx, m)
		}
	}, "hands out everything, old and new", "two members share the partitions, and coming and going lose nothing")
	reject("calls the handler for several messages of a partition at once", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) { go handle(ctx, m) }
	}, "a handler that blocks stops its partition and nothing else")
	reject("commits before the handler", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			m.Done()
			handle(ctx, m)
		}
	}, "hands out again what was not done", "commits the contiguous prefix alone")
	reject("commits up to the highest", func() func(context.Context, port.Received, handler) {
		var mu sync.Mutex
		handed := make(map[int32][]port.Received)
		return func(ctx context.Context, m port.Received, handle handler) {
			mu.Lock()
			handed[m.Partition] = append(handed[m.Partition], m)
			mu.Unlock()
			marked := m
			marked.Done = func() {
				mu.Lock()
				defer mu.Unlock()
				for _, before := range handed[m.Partition] {
					if before.Offset <= m.Offset {
						before.Done()
					}
				}
			}
			handle(ctx, marked)
		}
	}, "commits the contiguous prefix alone")
	reject("never commits", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			m.Done = func() {}
			handle(ctx, m)
		}
	}, "hands out nothing again that was done before Run returned", "takes Done from anywhere and after handle has returned",
		"ends the message's context with Run's")
	reject("knows Done only while the handler runs", func() func(context.Context, port.Received, handler) {
		return func(ctx context.Context, m port.Received, handle handler) {
			var mu sync.Mutex
			done, late := m.Done, false
			m.Done = func() {
				mu.Lock()
				defer mu.Unlock()
				if !late {
					done()
				}
			}
			handle(ctx, m)
			mu.Lock()
			late = true
			mu.Unlock()
		}
	}, "takes Done from anywhere and after handle has returned")
	reject("has one thread for all partitions", func() func(context.Context, port.Received, handler) {
		var one sync.Mutex
		return func(ctx context.Context, m port.Received, handle handler) {
			one.Lock()
			defer one.Unlock()
			handle(ctx, m)
		}
	}, "a handler that blocks stops its partition and nothing else")
	reject("never ends the message's context", func() func(context.Context, port.Received, handler) {
		return func(_ context.Context, m port.Received, handle handler) { handle(t.Context(), m) }
	}, "ends the message's context when its partition is taken away", "ends the message's context with Run's")
	t.Run("returns nil", func(t *testing.T) {
		t.Parallel()
		porttest.Reject(t, checks, brokenLog(func(log *porttest.EventLog) {
			real := log.Consumer
			log.Consumer = func(group string) port.Consumer {
				return brokenConsumer{real: real(group), end: func(error) error { return nil }}
			}
		}), "ends the message's context with Run's", "hands out again what was not done")
	})
	t.Run("knows one group alone", func(t *testing.T) {
		t.Parallel()
		porttest.Reject(t, checks, brokenLog(func(log *porttest.EventLog) {
			real := log.Consumer
			log.Consumer = func(string) port.Consumer { return real("the only one") }
		}), "gives every group everything")
	})
	t.Run("gives everything to every member", func(t *testing.T) {
		t.Parallel()
		porttest.Reject(t, checks, brokenLog(func(log *porttest.EventLog) {
			real, n := log.Consumer, 0
			log.Consumer = func(group string) port.Consumer {
				n++
				return real(group + string(rune('0'+n)))
			}
		}), "ends the message's context when its partition is taken away", "hands out nothing again that was done before Run returned")
	})
}

// brokenProgress answers what it is told to, or asks on.
type brokenProgress struct {
	port.Progress
	passed func(bool) bool
	at     func(time.Time) time.Time
	lag    func(int64) int64
}

func (b brokenProgress) ReadUpTo(ctx context.Context, at time.Time) (bool, error) {
	if b.at != nil {
		at = b.at(at)
	}
	passed, err := b.Progress.ReadUpTo(ctx, at)
	if b.passed != nil {
		passed = b.passed(passed)
	}
	return passed, err
}

func (b brokenProgress) Lag(ctx context.Context) (int64, error) {
	lag, err := b.Progress.Lag(ctx)
	if b.lag != nil {
		lag = b.lag(lag)
	}
	return lag, err
}

func TestTheProgressSuiteRejectsBrokenProgress(t *testing.T) {
	t.Parallel()
	reject := func(name string, broken brokenProgress, checkNames ...string) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			porttest.Reject(t, porttest.ProgressChecks(), brokenLog(func(log *porttest.EventLog) {
				real := log.Progress
				log.Progress = func(group string) port.Progress {
					one := broken
					one.Progress = real(group)
					return one
				}
			}), checkNames...)
		})
	}
	reject("has always passed", brokenProgress{passed: func(bool) bool { return true }},
		"has not passed what is not committed, and has once it is", "asks nothing of what came at the instant or later")
	reject("has never passed", brokenProgress{passed: func(bool) bool { return false }},
		"has passed an empty log", "has not passed what is not committed, and has once it is", "asks nothing of what came at the instant or later")
	reject("asks for the end of the log always", brokenProgress{at: func(at time.Time) time.Time { return at.Add(24 * time.Hour) }},
		"asks nothing of what came at the instant or later")
	reject("forgets what is younger than the rest", brokenProgress{at: func(at time.Time) time.Time { return at.Add(-24 * time.Hour) }},
		"has not passed what is not committed, and has once it is")
	reject("has no lag", brokenProgress{lag: func(int64) int64 { return 0 }}, "counts what is not committed as lag")
	reject("has lag always", brokenProgress{lag: func(lag int64) int64 { return lag + 1 }}, "counts what is not committed as lag", "has passed an empty log")
}

type brokenTopics struct{ err error }

func (b brokenTopics) Ensure(context.Context) error { return b.err }

func TestTheTopicsSuiteRejectsTopicsThatCannotBeEnsuredAgain(t *testing.T) {
	t.Parallel()
	porttest.Reject(t, porttest.TopicsChecks(), brokenLog(func(log *porttest.EventLog) {
		log.Topics = brokenTopics{err: port.ErrConflict}
	}), "may be ensured again and at once, and keeps what is there")
}
