package porttest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
)

// ReaderChecks are the promises of port.EventReader.
func ReaderChecks() []Check[EventLog] {
	return []Check[EventLog]{
		{"reads a log to its end, in order within a partition, and again", readerAll},
		{"reads from an instant on", readerSince},
		{"ends with the handler's error", readerError},
		{"disturbs no group", readerGroups},
	}
}

// read reads the requests.
func (d logFixture) read(since time.Time, handle func([]port.Received) error) (port.LogSpan, error) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), d.Patience)
	defer cancel()
	return d.Reader.Read(ctx, port.TopicRequests, since, func(_ context.Context, messages []port.Received) error { return handle(messages) })
}

func readerAll(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	if span, err := d.read(time.Time{}, func([]port.Received) error { return errors.New("called") }); err != nil || span != (port.LogSpan{}) {
		t.Errorf("an empty log: %+v, %v", span, err)
	}
	all := messages(2500, 40)
	d.publish(all...)
	for range 2 {
		last, seen := map[int32]int64{}, map[string]bool{}
		span, err := d.read(time.Time{}, func(part []port.Received) error {
			for _, m := range part {
				if before, ok := last[m.Partition]; ok && m.Offset <= before {
					t.Errorf("partition %d: offset %d after %d", m.Partition, m.Offset, before)
				}
				last[m.Partition] = m.Offset
				seen[string(m.Value)] = true
				m.Done()
			}
			return nil
		})
		if err != nil || span.Messages != int64(len(all)) || !span.From.IsZero() || len(seen) != len(all) || len(last) < 2 {
			t.Fatalf("read %+v of %d partitions, %d different ones of %d: %v", span, len(last), len(seen), len(all), err)
		}
	}
}

func readerSince(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	all := messages(12, 4)
	at := d.times(all)
	var got []string
	_, err := d.read(at[7], func(part []port.Received) error {
		for _, m := range part {
			got = append(got, string(m.Value))
		}
		return nil
	})
	var want []string
	for _, m := range all[7:] {
		want = append(want, string(m.Value))
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("since the eighth message: %v (%v), want %v", got, err, want)
	}
	if _, err := d.read(at[11].Add(time.Hour), func([]port.Received) error { return errors.New("called") }); err != nil {
		t.Errorf("since after the last message: %v", err)
	}
}

func readerError(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(20, 20)...)
	broken, calls := errors.New("broken"), 0
	_, err := d.read(time.Time{}, func([]port.Received) error { calls++; return broken })
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
}

func readerGroups(t testing.TB, open func(t testing.TB) EventLog) {
	d := newLogFixture(t, open)
	d.publish(messages(30, 30)...)
	if _, err := d.read(time.Time{}, func([]port.Received) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if lag := d.position("g").Lag; lag != 30 {
		t.Errorf("after reading, the lag of a group is %s", strconv.FormatInt(lag, 10))
	}
}
