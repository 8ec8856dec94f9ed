package porttest

import (
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Inquiries runs the suite of port.Inquiries.
func Inquiries(t *testing.T, open OpenStorage) { Run(t, InquiriesChecks(), open) }

// InquiriesChecks are the promises of port.Inquiries.
func InquiriesChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("adds the UNKNOWN rows of a lane, each once", inquiriesEnqueue),
		onStage("adds page by page, losing none", inquiriesPages),
		onStage("walks a month that has other rows too", inquiriesWalk),
		onStage("adds what changed in a span alone", inquiriesSpan),
		onStage("has nothing due before the lease and the wait are over", inquiriesWait),
		onStage("gives what is due to one caller", inquiriesHold),
		onStage("ends what is not UNKNOWN any more", inquiriesEnd),
		onStage("tells whether the key is its target's current one", inquiriesCurrent),
		onStage("keeps what was answered, and asks again when it is told", inquiriesAnswer),
		onStage("counts the UNKNOWN bills that are still asked about", inquiriesOpen),
		onStage("drops a month's inquiries with the month", inquiriesDrop),
	}
}

// inquired is the lane of the suite's claims.
var inquired = port.Lane{Channel: channel.SMS, Provider: "sms-1"}

// doubted makes keys UNKNOWN.
func (s *stage) doubted(keys ...key.Delivery) {
	s.Helper()
	for _, k := range keys {
		s.leaseOver(k, token(1))
		s.record(outcome(k, token(1), attempt.Unknown))
	}
}

func (s *stage) enqueue(of port.Lane, wait time.Duration) int {
	s.Helper()
	span := port.Span{Until: s.now().Add(time.Hour)}
	looked, _, err := s.Inquiries.Enqueue(s.ctx, november, of, wait, span, key.Delivery{}, 100)
	s.must(err)
	return looked
}

func (s *stage) dueInquiries(hold time.Duration) []port.Inquiry {
	s.Helper()
	_, due, err := s.Inquiries.Due(s.ctx, november, inquired, hold, 100)
	s.must(err)
	return due
}

func inquiryKeys(list []port.Inquiry) []key.Delivery {
	keys := make([]key.Delivery, len(list))
	for i, q := range list {
		keys[i] = q.Key
	}
	return sorted(keys)
}

func inquiriesEnqueue(s *stage) {
	keys := ledgerKeys(3)
	s.doubted(keys...)
	for i, state := range attempt.States {
		if state != attempt.Unknown {
			s.bring(ledgerKey(10+i), state)
		}
	}
	for range 2 {
		if looked := s.enqueue(inquired, 0); looked != 3 {
			s.Errorf("looked at %d rows, want 3", looked)
		}
	}
	for _, other := range []port.Lane{{Channel: channel.SMS, Provider: "sms-2"}, {Channel: channel.Push, Provider: "sms-1"}} {
		if looked := s.enqueue(other, 0); looked != 0 {
			s.Errorf("%+v has %d rows", other, looked)
		}
	}
	due := s.dueInquiries(time.Hour)
	keysAre(s, "due", inquiryKeys(due), keys...)
	for _, q := range due {
		if called := s.row(q.Key).ClaimedAt; !normal(q.Called).Equal(called) || q.Asks != 0 || q.Current {
			s.Errorf("%+v, claimed at %s", q, called)
		}
	}
}

func inquiriesPages(s *stage) {
	keys := append(ledgerKeys(4), key.Delivery{Month: november, UserID: 4, Attempt: 1}, key.Delivery{Month: november, UserID: 4, Attempt: 1, Round: 1})
	s.doubted(keys...)
	var after key.Delivery
	for _, size := range []int{2, 2, 2, 0} {
		looked, last, err := s.Inquiries.Enqueue(s.ctx, november, inquired, 0, port.Span{}, after, 2)
		s.must(err)
		if looked != size {
			s.Errorf("looked at %d rows behind %s, want %d", looked, after, size)
		}
		after = last
	}
	keysAre(s, "due", inquiryKeys(s.dueInquiries(time.Hour)), keys...)
}

func inquiriesWalk(s *stage) {
	var keys []key.Delivery
	for i := range 7 {
		if k := ledgerKey(i); i%3 == 1 {
			s.doubted(k)
			keys = append(keys, k)
		} else {
			s.bring(k, attempt.States[i%len(attempt.States)])
		}
	}
	s.must(s.Months.Open(s.ctx, december))
	other := key.Delivery{Month: december, UserID: 1}
	s.doubted(other)
	walked := 0
	for after, more := (key.Delivery{}), true; more; {
		looked, last, err := s.Inquiries.Enqueue(s.ctx, november, inquired, 0, port.Span{}, after, 2)
		s.must(err)
		if walked += looked; looked > 2 || walked > 7 || looked > 0 && last.Compare(after) <= 0 {
			s.Fatalf("behind %s it looked at %d rows, the last of which is %s", after, looked, last)
		}
		after, more = last, looked == 2
	}
	keysAre(s, "due", inquiryKeys(s.dueInquiries(time.Hour)), keys...)
}

func inquiriesSpan(s *stage) {
	keys := ledgerKeys(3)
	s.doubted(keys[0])
	since := s.row(keys[0]).ChangedAt.Add(time.Microsecond)
	s.Elapse(s, 2*time.Millisecond)
	s.doubted(keys[1])
	until := s.row(keys[1]).ChangedAt.Add(time.Microsecond)
	s.Elapse(s, 2*time.Millisecond)
	s.doubted(keys[2])
	_, _, err := s.Inquiries.Enqueue(s.ctx, november, inquired, 0, port.Span{Since: since, Until: until}, key.Delivery{}, 100)
	s.must(err)
	keysAre(s, "due", inquiryKeys(s.dueInquiries(time.Hour)), keys[1])
}

func inquiriesWait(s *stage) {
	k := ledgerKey(0)
	s.claimed(k, token(1)) // its lease lasts
	s.record(outcome(k, token(1), attempt.Unknown))
	s.enqueue(inquired, 0)
	other := ledgerKey(1)
	s.doubted(other)
	s.enqueue(inquired, time.Hour)
	if due := s.dueInquiries(time.Hour); len(due) != 0 {
		s.Errorf("due before their time: %+v", due)
	}
}

func inquiriesHold(s *stage) {
	keys := ledgerKeys(3)
	s.doubted(keys...)
	s.enqueue(inquired, 0)
	looked, first, err := s.Inquiries.Due(s.ctx, november, inquired, time.Hour, 2)
	s.must(err)
	if looked != 2 || len(first) != 2 {
		s.Fatalf("looked at %d, %+v", looked, first)
	}
	second := s.dueInquiries(time.Millisecond)
	keysAre(s, "given in all", sorted(append(inquiryKeys(first), inquiryKeys(second)...)), keys...)
	s.Elapse(s, 5*time.Millisecond)
	keysAre(s, "given again", inquiryKeys(s.dueInquiries(time.Hour)), inquiryKeys(second)...)
	if _, other, err := s.Inquiries.Due(s.ctx, november, port.Lane{Channel: channel.SMS, Provider: "sms-2"}, time.Hour, 10); err != nil || len(other) != 0 {
		s.Errorf("another lane has %+v (%v)", other, err)
	}
}

func inquiriesEnd(s *stage) {
	keys := ledgerKeys(2)
	s.doubted(keys...)
	s.enqueue(inquired, 0)
	s.record(outcome(keys[0], token(1), attempt.Succeeded))
	looked, due, err := s.Inquiries.Due(s.ctx, november, inquired, time.Millisecond, 10)
	s.must(err)
	if looked != 2 {
		s.Errorf("looked at %d, want 2", looked)
	}
	keysAre(s, "due", inquiryKeys(due), keys[1])
	s.Elapse(s, 5*time.Millisecond)
	if looked, _, err := s.Inquiries.Due(s.ctx, november, inquired, time.Hour, 10); err != nil || looked != 1 {
		s.Errorf("looked at %d once one has ended (%v)", looked, err)
	}
}

func inquiriesCurrent(s *stage) {
	target := s.imported(november, 1)[0]
	current := key.Delivery{Month: target.Month, UserID: target.UserID}
	older := current
	older.Attempt = 1
	s.doubted(current, older)
	s.enqueue(inquired, 0)
	for _, q := range s.dueInquiries(time.Hour) {
		if q.Current != (q.Key == current) {
			s.Errorf("%s is the current one: %v", q.Key, q.Current)
		}
	}
}

func inquiriesAnswer(s *stage) {
	keys := ledgerKeys(2)
	s.doubted(keys...)
	s.enqueue(inquired, 0)
	s.dueInquiries(time.Hour)
	found := port.Finding{Found: port.FoundRefused, Class: attempt.Permanent, MessageID: "m-1", Code: "2000", Detail: "no such number", SaidAt: noon}
	s.must(s.Inquiries.Answer(s.ctx, []port.InquiryAnswer{
		{Key: keys[0], Found: found},
		{Key: keys[1], Found: port.Finding{Found: port.FoundNothing}, Again: time.Hour},
		{Key: ledgerKey(7), Found: found}, // nobody has added it
	}))
	for i, k := range keys {
		list := given(s.Inquiries.Asked(s.ctx, k.Target()))(s)
		if len(list) != 1 || list[0].Key != k || list[0].Asks != 1 || list[0].AskedAt.IsZero() || list[0].Again.IsZero() != (i == 0) {
			s.Fatalf("asked about %s: %+v", k, list)
		}
		if q := list[0]; i == 1 && q.Again.Before(s.now().Add(59*time.Minute)) {
			s.Errorf("asked again at %s", q.Again)
		}
		if got := list[0].Last; i == 0 && (got.Found != found.Found || got.Class != found.Class || got.MessageID != "m-1" || got.Code != "2000" || got.Detail != found.Detail || !got.SaidAt.Equal(noon)) {
			s.Errorf("%+v, want %+v", got, found)
		}
	}
	if list := given(s.Inquiries.Asked(s.ctx, ledgerKey(7).Target()))(s); len(list) != 0 {
		s.Errorf("what nobody added was asked: %+v", list)
	}
	if due := s.dueInquiries(time.Hour); len(due) != 0 {
		s.Errorf("due again: %+v", due)
	}
}

func inquiriesDrop(s *stage) {
	k := ledgerKey(0)
	s.doubted(k)
	s.enqueue(inquired, 0)
	s.dueInquiries(time.Hour)
	s.must(s.Inquiries.Answer(s.ctx, []port.InquiryAnswer{{Key: k, Found: port.Finding{Found: port.FoundNothing}}}))
	s.must(s.Months.Close(s.ctx, november, "", port.Act{Actor: "kim", Reason: "over"}))
	s.must(s.Retention.Drop(s.ctx, november, port.Act{Actor: "kim", Reason: "old"}))
	if list := given(s.Inquiries.Asked(s.ctx, k.Target()))(s); len(list) != 0 {
		s.Errorf("after the drop: %+v", list)
	}
}

func inquiriesOpen(s *stage) {
	targets := s.imported(november, 4)
	for _, target := range targets {
		s.doubted(delivery(target, 0, 0))
	}
	s.doubted(delivery(targets[1], 1, 0))
	s.change(func(state *billing.State) { state.Dispatch = billing.Unknown }, targets[:3]...)
	if n := given(s.Inquiries.Open(s.ctx, november))(s); n != 0 {
		s.Errorf("%d are asked about before they were added", n)
	}
	s.enqueue(inquired, 0)
	s.must(s.Inquiries.Answer(s.ctx, []port.InquiryAnswer{{Key: delivery(targets[2], 0, 0), Found: port.Finding{Found: port.FoundNothing}}})) // never again
	if n := given(s.Inquiries.Open(s.ctx, november))(s); n != 2 {
		s.Errorf("%d are asked about, want 2", n)
	}
	if n := given(s.Inquiries.Open(s.ctx, december+1))(s); n != 0 {
		s.Errorf("%d of a month that was never opened", n)
	}
}
