package failpoint

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/event"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// struck stands for the end of the process.
type struck struct{}

// trapped runs what a process does with a trap, and returns whether it was killed, and the records.
func trapped(t *testing.T, arm Arm, do func(trap *Trap)) (killed bool, records []Record) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kills.jsonl")
	trap := New("role#1", path, arm)
	trap.end = func() { panic(struck{}) }
	func() {
		defer func() {
			switch p := recover().(type) {
			case nil:
			case struck:
				killed = true
			default:
				panic(p)
			}
		}()
		do(trap)
	}()
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return killed, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r Record
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return killed, records
}

func delivery(user int64) key.Delivery {
	month, _ := key.NewMonth(2026, time.November)
	return key.Delivery{Month: month, UserID: user}
}

// world stands for the ports; it notes in order what reached them.
type world struct {
	did  []string
	mine []key.Delivery
	say  port.Reply
}

func (w *world) Publish(_ context.Context, topic port.Topic, messages []port.Message) []error {
	w.did = append(w.did, "publish "+string(topic))
	return make([]error, len(messages))
}

func (w *world) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	err := fn(ctx, noTx{})
	w.did = append(w.did, "commit")
	return err
}

func (w *world) Send(context.Context, port.Delivery) port.Reply {
	w.did = append(w.did, "send")
	return w.say
}

func (w *world) Provider() port.Provider { return port.Provider{} }

type noTx struct{ port.TargetTx }

func (noTx) Save(context.Context, []billing.Target) error { return nil }

type ledger struct {
	port.Ledger
	*world
}

func (l ledger) Claim(context.Context, []attempt.Claim) ([]key.Delivery, error) {
	l.did = append(l.did, "claim")
	return l.mine, nil
}

func (l ledger) Record(context.Context, []attempt.Outcome) ([]key.Delivery, error) {
	l.world.did = append(l.world.did, "record")
	return nil, nil
}

func requested(t *testing.T, user int64) port.Message {
	t.Helper()
	k := delivery(user)
	m, err := event.Requested{
		Identity:    event.Identity{Month: k.Month, UserID: user, Channel: channel.Email, PolicyID: 1, PolicyVersion: 1, RunID: 1},
		Destination: []byte("x"), Statement: []byte("x"), Unknown: attempt.Hold,
	}.Message("test", "", time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func dispatchPage(t *testing.T, trap *Trap, w *world) {
	t.Helper()
	publisher, targets := trap.Requests(w, w)
	err := targets.Within(t.Context(), func(ctx context.Context, _ port.TargetTx) error {
		publisher.Publish(ctx, port.TopicRequests, []port.Message{requested(t, 7)})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func deliverOne(t *testing.T, trap *Trap, w *world) {
	t.Helper()
	ctx := t.Context()
	l := trap.Ledger(ledger{world: w})
	for _, user := range []int64{7, 8, 9} {
		if _, err := l.Claim(ctx, []attempt.Claim{{Key: delivery(user)}}); err != nil {
			t.Error(err)
		}
	}
	lanes := trap.Lanes(core.Lanes{channel.Email: deliver.Lane{{Gateway: w}}})
	lanes[channel.Email][0].Gateway.Send(ctx, port.Delivery{Key: delivery(7)})
	if _, err := l.Record(ctx, []attempt.Outcome{{Key: delivery(7)}}); err != nil {
		t.Error(err)
	}
	k := delivery(7)
	m, err := event.Result{
		Identity: event.Identity{Month: k.Month, UserID: 7, Channel: channel.Email, PolicyID: 1, PolicyVersion: 1, RunID: 1},
		Outcome:  attempt.Succeeded, FinishedAt: time.Unix(0, 0),
	}.Message("test", "", time.Unix(0, 0))
	if err != nil {
		t.Error(err)
	}
	trap.Results(w).Publish(ctx, port.TopicResults, []port.Message{m})
}

func settleOne(t *testing.T, trap *Trap, w *world) {
	t.Helper()
	target, err := billing.Restore(billing.State{Key: delivery(7).Target(), Batch: billing.Rendered, Dispatch: billing.Ready})
	if err != nil {
		t.Fatal(err)
	}
	err = trap.Settling(w).Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		return tx.Save(ctx, []billing.Target{target})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTrapStrikesBetweenTheTwoStepsOfItsPoint(t *testing.T) {
	t.Parallel()
	const of7 = "2026-11/7/0/0"
	tests := map[Point]struct {
		do     func(t *testing.T, trap *Trap, w *world)
		before []string // what was done when it struck
		key    string
		hands  map[string]string
	}{
		PageLocked:           {dispatchPage, nil, of7, nil},
		PublishedUncommitted: {dispatchPage, []string{"publish dispatch-requests.v1"}, of7, nil},
		ClaimedUncalled:      {deliverOne, []string{"claim", "claim", "claim"}, of7, map[string]string{of7: Claimed, "2026-11/8/0/0": Claimed}},
		AcceptedUnwritten:    {deliverOne, []string{"claim", "claim", "claim", "send"}, of7, map[string]string{of7: Answered, "2026-11/8/0/0": Claimed}},
		WrittenUnpublished:   {deliverOne, []string{"claim", "claim", "claim", "send", "record"}, of7, map[string]string{"2026-11/8/0/0": Claimed}},
		SettleOpen:           {settleOne, nil, "2026-11/7", nil},
	}
	for point, test := range tests {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			w := &world{mine: []key.Delivery{delivery(7), delivery(8)}, say: port.Reply{Verdict: port.CallAccepted}} // 9 is another's
			killed, records := trapped(t, Arm{Point: point}, func(trap *Trap) { test.do(t, trap, w) })
			if !killed || len(records) != 1 {
				t.Fatalf("killed: %v, records: %v", killed, records)
			}
			r := records[0]
			if !slices.Equal(w.did, test.before) {
				t.Errorf("struck after %q, want %q", w.did, test.before)
			}
			if r.Point != point || r.Role != "role#1" || !slices.Equal(r.Keys, []string{test.key}) || r.PID != os.Getpid() {
				t.Errorf("record %+v", r)
			}
			if !maps.Equal(r.InFlight, test.hands) {
				t.Errorf("in flight %v, want %v", r.InFlight, test.hands)
			}
		})
	}
}

func TestUnarmedTrapLetsEverythingThrough(t *testing.T) {
	t.Parallel()
	w := &world{mine: []key.Delivery{delivery(7)}, say: port.Reply{Verdict: port.CallAccepted}}
	killed, records := trapped(t, Arm{}, func(trap *Trap) {
		dispatchPage(t, trap, w)
		deliverOne(t, trap, w)
		settleOne(t, trap, w)
	})
	if killed || len(records) != 0 {
		t.Fatalf("killed: %v, records: %v", killed, records)
	}
}

func TestTrapLetsTheFirstVisitsThrough(t *testing.T) {
	t.Parallel()
	pages := 0
	killed, _ := trapped(t, Arm{Point: PageLocked, After: 2}, func(trap *Trap) {
		for range 5 {
			dispatchPage(t, trap, &world{})
			pages++
		}
	})
	if !killed || pages != 2 {
		t.Fatalf("killed: %v after %d pages, want 2", killed, pages)
	}
}

func TestTrapDoesNotStrikeInItsQuietTime(t *testing.T) {
	t.Parallel()
	killed, _ := trapped(t, Arm{Point: PageLocked, Quiet: time.Hour}, func(trap *Trap) { dispatchPage(t, trap, &world{}) })
	if killed {
		t.Fatal("struck an hour too early")
	}
}

func TestRefusedCallIsNoAcceptedOne(t *testing.T) {
	t.Parallel()
	w := &world{mine: []key.Delivery{delivery(7)}, say: port.Reply{Verdict: port.CallRefused}}
	if killed, _ := trapped(t, Arm{Point: AcceptedUnwritten}, func(trap *Trap) { deliverOne(t, trap, w) }); killed {
		t.Fatal("struck after a refusal")
	}
}

func TestStallIsWrittenDownAndKillsNobody(t *testing.T) {
	t.Parallel()
	killed, records := trapped(t, Arm{}, func(trap *Trap) { trap.Stalled([]string{"2026-11/7/0/0"}) })
	if killed || len(records) != 1 || records[0].Point != Stalled {
		t.Fatalf("killed: %v, records: %v", killed, records)
	}
}
