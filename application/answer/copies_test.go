package answer_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// copied makes the n-th copy of the bill of C-0, in a status.
func (w *world) copied(n int, status billing.Status) {
	w.Helper()
	found, err := answer.New(w.ports).Find(w.Context(), november, "C-0")
	w.must(err)
	state := found.Target.Copy(make([]billing.Target, n-1), channel.Email, w.clock.Now()).State()
	state.Dispatch = status
	w.must(w.store.Copies().Add(w.Context(), port.NewCopy{State: state, Destination: port.Destination{Channel: channel.Email}},
		func(billing.Target, []billing.Target) error { return nil }, port.Act{Actor: "kim", Reason: "asked by phone"}))
}

func TestCopiesAreCountedBesideTheBillsAndKeepAMonthFromBeingThrough(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.bills(2, billing.Succeeded)
	w.copied(1, billing.Succeeded)
	w.copied(2, billing.Exhausted)
	s := w.status()
	if m := s.Months[0]; m.Imported != 2 || m.Dispatch[billing.Succeeded] != 2 || m.CopiesText() != "2, sent 1, ended without success 1" || !strings.Contains(strings.Join(s.Next, " "), "month close") {
		t.Errorf("%+v, %q, %q", m, m.CopiesText(), s.Next)
	}
	w.copied(3, billing.Paused)
	s = w.status()
	next := strings.Join(s.Next, " ")
	if m := s.Months[0]; m.CopiesText() != "3, sent 1, open 1, ended without success 1" || strings.Contains(next, "month close") || !strings.Contains(next, "1 copy is PAUSED or UNKNOWN and waits") {
		t.Errorf("%q, %q", m.CopiesText(), s.Next)
	}
	w.copied(4, billing.Ready)
	if m := w.status().Months[0]; m.WhenDue(w.clock.Now()) != "" {
		t.Errorf("of the bills, none of which waits: %q", m.WhenDue(w.clock.Now()))
	}
}

func TestACopyIsFoundListedAndExplainedWithWhoAskedForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ports.Packs = memory.NewPacks()
	w.bills(2, billing.Succeeded)
	w.copied(1, billing.Succeeded)
	w.copied(2, billing.Ready)
	a := answer.New(w.ports)
	if found, err := a.FindCopy(t.Context(), november, "c-0", 2); err != nil || found.Customer != "C-0" || found.Target.Key().CopyNumber() != 2 {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := a.FindCopy(t.Context(), november, "C-0", 3); !errors.Is(err, port.ErrNotFound) || !strings.Contains(err.Error(), "there are 2") {
		t.Errorf("a third one: %v", err)
	}
	list, err := a.ListCopies(t.Context(), november)
	if err != nil || len(list) != 2 || list[1].Customer != "C-0" || list[1].Number != 2 || list[1].Actor != "kim" || list[1].Reason != "asked by phone" || list[1].Dispatch != billing.Ready {
		t.Errorf("%+v, %v", list, err)
	}
	told, err := a.Why(t.Context(), november, "C-0")
	if err != nil || told.Copy != 0 || len(told.Copies) != 2 || !strings.HasPrefix(told.Copies[1].Headline, "Copy 2 of customer C-0's bill") {
		t.Fatalf("%+v, %v", told, err)
	}
	acts := ""
	for _, line := range told.Lines {
		acts += line.Text
	}
	if !strings.Contains(acts, "copy: 1, by EMAIL, by kim: asked by phone") {
		t.Errorf("the bill's story does not say who asked: %s", acts)
	}
}
