package channelhalt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/balsong/balsong/application/channelhalt"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/waittest"
	"github.com/balsong/balsong/domain/channel"
)

// world is some processes that count, over one store.
type world struct {
	clock *memory.Clock
	store *memory.Store
	log   *memory.Log
}

func newWorld() *world {
	clock := memory.NewClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))
	return &world{clock: clock, store: memory.NewStore(clock), log: &memory.Log{}}
}

func (w *world) process() *channelhalt.Guard {
	return channelhalt.New(w.store.ChannelHalts(), outage.New(w.clock, w.log), w.clock, w.log, "balsong/delivery", "answers")
}

func (w *world) halts(t *testing.T) []port.ChannelHalt {
	t.Helper()
	all, err := w.store.ChannelHalts().All(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (w *world) lift(t *testing.T, kind channel.Kind, share int) {
	t.Helper()
	w.clock.Advance(time.Minute)
	if err := w.store.ChannelHalts().Set(t.Context(), kind, false, share, port.Act{Actor: "kim", Reason: "the provider's register is up again", At: w.clock.Now()}); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, g *channelhalt.Guard) {
	t.Helper()
	if err := g.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// answers lets a process see messages of a channel, refused or not.
func answers(t *testing.T, g *channelhalt.Guard, kind channel.Kind, n int, refused bool) {
	t.Helper()
	for range n {
		g.Answered(t.Context(), kind, channelhalt.Answer{Provider: "http", Refused: refused, Words: "550 no such number"})
	}
}

func TestAChannelIsHaltedForAllOnceMoreThanAFifthOfAWindowIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld()
	one, other := w.process(), w.process()
	answers(t, one, channel.SMS, 600, false)
	answers(t, one, channel.SMS, 100, true)
	answers(t, one, channel.Email, 100, true)
	if one.Halted(channel.SMS) || len(w.halts(t)) != 0 {
		t.Fatal("100 of 500 halt it")
	}
	answers(t, one, channel.SMS, 1, true)
	if !one.Halted(channel.SMS) || one.Halted(channel.Email) || other.Halted(channel.SMS) {
		t.Error("the process halts another channel than the one, or another process knows before it reads")
	}
	halts := w.halts(t)
	if len(halts) != 1 || halts[0].Channel != channel.SMS || !halts[0].On || halts[0].Actor != "balsong/delivery" ||
		halts[0].Reason != `101 of the last 500 answers: http 101 of 500; most often "550 no such number" (101)` {
		t.Errorf("the halts are %+v", halts)
	}
	read(t, other)
	if !other.Halted(channel.SMS) || other.Halted(channel.Email) {
		t.Error("the other process does not read it")
	}
	notes := w.store.Notes()
	if len(notes) != 1 || notes[0].Action != port.ActionHalt || notes[0].Subject != "channel SMS" {
		t.Errorf("audited: %+v", notes)
	}
}

func TestWhatWasRefusedLongAgoDoesNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	for range 20 { // 80 of 500 all the time
		answers(t, g, channel.SMS, 80, true)
		answers(t, g, channel.SMS, 420, false)
	}
	if g.Halted(channel.SMS) {
		t.Error("it is halted")
	}
}

func TestOnlyTheFirstProcessHaltsAndItsEvidenceStays(t *testing.T) {
	t.Parallel()
	w := newWorld()
	one, other := w.process(), w.process()
	answers(t, other, channel.SMS, 50, false)
	answers(t, one, channel.SMS, 101, true)
	answers(t, other, channel.SMS, 101, true)
	if halts := w.halts(t); len(halts) != 1 || !strings.HasPrefix(halts[0].Reason, "101 of the last 101 answers") || len(w.store.Notes()) != 1 {
		t.Errorf("the halts are %+v, audited %+v", halts, w.store.Notes())
	}
	if !other.Halted(channel.SMS) {
		t.Error("the second process goes on")
	}
}

func TestOldRefusalsDoNotHaltItAgainOnceItIsLifted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	one, slow := w.process(), w.process()
	read(t, slow)
	answers(t, slow, channel.SMS, 100, true) // one short of its own halt
	answers(t, one, channel.SMS, 101, true)
	w.lift(t, channel.SMS, 0)
	read(t, one)
	answers(t, one, channel.SMS, 100, true)
	answers(t, slow, channel.SMS, 1, true) // it has seen neither the halt nor that it was lifted
	if one.Halted(channel.SMS) || slow.Halted(channel.SMS) {
		t.Fatal("it is halted again by refusals of before")
	}
	answers(t, slow, channel.SMS, 100, true)
	if slow.Halted(channel.SMS) {
		t.Fatal("it is halted again by refusals of before")
	}
	answers(t, slow, channel.SMS, 1, true)
	if !slow.Halted(channel.SMS) {
		t.Error("new refusals do not halt it")
	}
}

func TestARaisedShareHoldsUntilTheNextHalt(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	for _, c := range []struct{ share, bears int }{{0, 100}, {40, 200}, {0, 100}, {100, 5000}} {
		if c.share > 0 || g.Halted(channel.SMS) {
			w.lift(t, channel.SMS, c.share)
			read(t, g)
		}
		answers(t, g, channel.SMS, c.bears, true)
		if g.Halted(channel.SMS) {
			t.Fatalf("at a share of %d %% it is halted by %d refusals", c.share, c.bears)
		}
		if c.share < 100 {
			answers(t, g, channel.SMS, 1, true)
			if !g.Halted(channel.SMS) {
				t.Fatalf("at a share of %d %% it is not halted by %d refusals", c.share, c.bears+1)
			}
		}
	}
}

func TestWhoWaitsGoesOnOnceItIsLifted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	answers(t, g, channel.SMS, 101, true)
	passed := make(chan error, 1)
	go func() { passed <- g.Wait(t.Context(), channel.SMS) }()
	read(t, g)
	select {
	case err := <-passed:
		t.Fatalf("it does not wait: %v", err)
	default:
	}
	w.lift(t, channel.SMS, 0)
	read(t, g)
	if err := <-passed; err != nil || g.Halted(channel.SMS) {
		t.Errorf("it does not continue: %v", err)
	}
	if got := len(w.log.Find("the halt of a channel is lifted")); got != 1 {
		t.Errorf("that it is lifted is logged %d times", got)
	}
}

func TestAHaltWaitsForTheDatabaseAndHoldsHereMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	answers(t, g, channel.SMS, 100, true)
	w.store.Fail(func(op string) error {
		if op == "channel_halts.set" {
			return port.ErrUnavailable
		}
		return nil
	})
	done := make(chan struct{})
	go func() { answers(t, g, channel.SMS, 1, true); close(done) }()
	waittest.Until(t, "the channel is halted here", func() bool { return g.Halted(channel.SMS) })
	read(t, g) // which finds no halt
	if !g.Halted(channel.SMS) {
		t.Error("a reading undoes the halt that is on its way")
	}
	w.store.Fail(nil)
	waittest.Until(t, "the halt is stored", func() bool {
		w.clock.Advance(time.Second)
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	if halts := w.halts(t); len(halts) != 1 || !halts[0].On {
		t.Errorf("the halts are %+v", halts)
	}
}

func TestAHaltThatCannotBeStoredIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	w.store.Fail(func(op string) error {
		if op == "channel_halts.set" {
			return errors.New("permission denied")
		}
		return nil
	})
	answers(t, g, channel.SMS, 101, true)
	if len(w.log.Find("a channel could not be halted")) != 1 {
		t.Error("nobody is told")
	}
	read(t, g)
	w.store.Fail(nil)
	answers(t, g, channel.SMS, 1, true)
	if halts := w.halts(t); len(halts) != 1 || !halts[0].On || !g.Halted(channel.SMS) {
		t.Errorf("the halts are %+v", halts)
	}
}

func TestTheEvidenceNamesProvidersAndTheirMostFrequentWordsAndNoCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	g := w.process()
	said := []string{"550 5.1.1 no such user kim.minsu@example.com id 4f9a8b7c6d%d", "30005 unknown number +8210%08d", "3040 refused", strings.Repeat("아주 긴 거부 사유 ", 40)}
	for i := range 101 {
		words := said[min(i/30, 3)]
		if strings.Contains(words, "%") {
			words = fmt.Sprintf(words, i)
		}
		g.Answered(t.Context(), channel.Email, channelhalt.Answer{Provider: []string{"ses", "smtp"}[i%2], Refused: true, Words: words})
		if i < 10 {
			g.Answered(t.Context(), channel.Email, channelhalt.Answer{Provider: "nhn"})
		}
	}
	reason := w.halts(t)[0].Reason
	want := `101 of the last 111 answers: ses 51 of 51, smtp 50 of 50; most often "30005 unknown number …" (30), "3040 refused" (30), "550 5.1.1 no such user … id …" (30)`
	if reason != want {
		t.Errorf("the evidence is\n%s, want\n%s", reason, want)
	}
}
