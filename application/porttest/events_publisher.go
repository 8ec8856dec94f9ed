package porttest

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// PublisherChecks are the promises of port.Publisher.
func PublisherChecks() []Check[EventLog] {
	return []Check[EventLog]{
		{"keeps each acknowledged message as it was handed in", publisherKeeps},
		{"keeps the order of a key", publisherOrder},
		{"keeps nothing of what was handed in", publisherCopies},
		{"takes from many at once", publisherMany},
		{"answers nothing for nothing", publisherNothing},
		{"returns once the context has ended", publisherContext},
	}
}

func publisherKeeps(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	all := []port.Message{
		{Key: "1", Value: []byte("plain")},
		{Key: "2", Value: []byte{0, 255, 10}, Headers: []port.Header{{Name: "ce_id", Value: "2026-11/2/0/0"}, {Name: "ce_id", Value: "twice"}}},
		{Key: "1", Value: bytes.Repeat([]byte("long "), 20_000), Headers: []port.Header{{Name: "traceparent", Value: ""}}},
	}
	d.publish(all...)
	got := d.join("reader", "g", nil).take(len(all))
	for _, want := range all {
		if !slices.ContainsFunc(got, func(m port.Received) bool {
			return m.Key == want.Key && bytes.Equal(m.Value, want.Value) && slices.Equal(m.Headers, want.Headers)
		}) {
			t.Errorf("a message of key %s and %d bytes did not come out as it went in", want.Key, len(want.Value))
		}
	}
}

func publisherOrder(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	const keys = 7
	all := messages(300, keys)
	for part := range slices.Chunk(all, 50) {
		d.publish(part...)
	}
	byKey := make(map[string][]string)
	partition := make(map[string]int32)
	for _, m := range d.join("reader", "g", nil).take(len(all)) {
		byKey[m.Key] = append(byKey[m.Key], string(m.Value))
		if at, known := partition[m.Key]; known && at != m.Partition {
			t.Errorf("the key %s lies in the partitions %d and %d", m.Key, at, m.Partition)
		}
		partition[m.Key] = m.Partition
	}
	for i, m := range all {
		if got := byKey[m.Key][i/keys]; got != string(m.Value) {
			t.Fatalf("key %s: message %d is %q, want %q", m.Key, i/keys, got, m.Value)
		}
	}
}

func publisherCopies(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	first := port.Message{Key: "1", Value: []byte("first"), Headers: []port.Header{{Name: "h", Value: "first"}}}
	batch := []port.Message{first}
	d.publish(batch...)
	if string(first.Value) != "first" || batch[0].Headers[0].Value != "first" {
		t.Errorf("what was handed in has been changed: %q", first.Value)
	}
	copy(first.Value, "WRONG")
	batch[0].Headers[0].Value = "WRONG"
	d.publish(port.Message{Key: "1", Value: []byte("second")})
	got := d.join("reader", "g", nil).take(2)[0]
	if string(got.Value) != "first" || got.Headers[0].Value != "first" {
		t.Errorf("the message came out as %q (header %q), it was %q when it was acknowledged", got.Value, got.Headers, "first")
	}
}

func publisherMany(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	all := messages(400, 40)
	var done sync.WaitGroup
	for part := range slices.Chunk(all, 50) {
		done.Go(func() {
			ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
			defer cancel()
			for i, err := range d.Publisher.Publish(ctx, port.TopicRequests, part) {
				if err != nil {
					t.Errorf("message %q: %v", part[i].Value, err)
				}
			}
		})
	}
	done.Wait()
	got := make(map[string]bool)
	for _, m := range d.join("reader", "g", nil).take(len(all)) {
		got[string(m.Value)] = true
	}
	for _, m := range all {
		if !got[string(m.Value)] {
			t.Errorf("the acknowledged message %q is not in the log", m.Value)
		}
	}
}

func publisherNothing(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	if answers := d.Publisher.Publish(d.Context(), port.TopicRequests, nil); len(answers) != 0 {
		t.Errorf("%d answers for no messages", len(answers))
	}
}

func publisherContext(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	ctx, cancel := context.WithCancel(d.Context())
	cancel()
	all := messages(100, 10)
	answers := make(chan []error, 1)
	started := time.Now()
	go func() { answers <- d.Publisher.Publish(ctx, port.TopicRequests, all) }()
	got := within(d, answers, "Publish returns although its context has ended")
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("Publish took %v after its context had ended", took)
	}
	if len(got) != len(all) {
		t.Fatalf("%d answers for %d messages", len(got), len(all))
	}
	// nil is right only for what is in the log: those must come out.
	acked := 0
	for _, err := range got {
		if err == nil {
			acked++
		}
	}
	d.publish(port.Message{Key: "later", Value: []byte("the publisher still works")})
	if n := len(d.join("reader", "g", nil).take(acked + 1)); n < acked+1 {
		t.Errorf("%d messages came out, %d were acknowledged", n, acked+1)
	}
}
