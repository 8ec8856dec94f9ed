// Package failpoint kills its own process at a chosen point of the protocol. The points lie in decorators around the
// ports, so that the product holds none of this. Before it strikes, a trap writes down and syncs where it struck and
// which deliveries the process had in flight.
package failpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// Point is a place at which a process can be killed.
type Point string

// The points.
const (
	PageLocked           Point = "page locked, nothing published"
	PublishedUncommitted Point = "published, not committed"
	ClaimedUncalled      Point = "claimed, not called"
	AcceptedUnwritten    Point = "accepted, outcome not written"
	WrittenUnpublished   Point = "outcome written, result not published"
	SettleOpen           Point = "settle open"
	StoredUnanswered     Point = "report stored, not answered"
	FoundUnstored        Point = "found by inquiry, not stored"
)

// Stalled is not a kill: claims were held past their lease on purpose. Its record explains what became UNKNOWN.
const Stalled Point = "stalled"

// Points lists every point, in the order of a statement's life.
var Points = []Point{PageLocked, PublishedUncommitted, ClaimedUncalled, AcceptedUnwritten, WrittenUnpublished, SettleOpen, StoredUnanswered, FoundUnstored}

// Arm says where a process is to be killed. The zero Arm kills nowhere.
type Arm struct {
	Point Point         `json:"point"`
	After int           `json:"after"` // so many visits of the point are let through first
	Quiet time.Duration `json:"quiet"` // for so long from the start, visits do not count
}

// The stages of a delivery in flight in a process.
const (
	Claiming = "claiming" // asked for: the row may be there
	Claimed  = "claimed"  // ours, and no call made
	Calling  = "calling"  // the call is under way
	Answered = "answered" // the gateway has answered, and the outcome is not known to be written
)

// Record is one line of the record file: where a kill struck.
type Record struct {
	Point Point  `json:"point"`
	PID   int    `json:"pid"`
	Role  string `json:"role"`
	// Time is shortly before the end.
	Time time.Time `json:"time"`
	// Keys are the deliveries (month/user/attempt/round) or targets (month/user) that the point was about.
	Keys []string `json:"keys"`
	// InFlight holds the stage of every delivery between claim and outcome in the process, those of Keys included.
	InFlight map[string]string `json:"in_flight,omitempty"`
}

// Trap watches what a process does, and kills it at its armed point. It is safe for concurrent use.
type Trap struct {
	role    string
	path    string
	arm     Arm
	started time.Time

	mu       sync.Mutex // held for ever once the trap has struck: nothing goes on behind the record
	visits   int
	inFlight map[string]*openDelivery
	end      func() // kills the process and does not return
}

// openDelivery is a delivery in flight.
type openDelivery struct {
	stage    string // "" while only claiming
	claiming int    // claims under way for it
}

// New returns a trap that appends to the record file at path.
func New(role, path string, arm Arm) *Trap {
	return &Trap{role: role, path: path, arm: arm, started: time.Now(), inFlight: map[string]*openDelivery{}, end: killSelf}
}

// killSelf is kill -9 from within.
func killSelf() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until the signal arrives
}

// visit notes that the process has come to a point, and strikes where it is armed.
func (t *Trap) visit(point Point, keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if point != t.arm.Point || len(keys) == 0 || time.Since(t.started) < t.arm.Quiet {
		return
	}
	t.visits++
	if t.visits <= t.arm.After {
		return
	}
	if err := t.write(point, keys); err != nil {
		fmt.Fprintln(os.Stderr, "the failpoint's record cannot be written, so it does not strike:", err)
		t.arm = Arm{}
		return
	}
	t.end()
}

// Stalled writes down that claims are being held.
func (t *Trap) Stalled(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.write(Stalled, keys); err != nil {
		fmt.Fprintln(os.Stderr, "the record of a stall cannot be written:", err)
	}
}

func (t *Trap) write(point Point, keys []string) (err error) {
	record := Record{Point: point, PID: os.Getpid(), Role: t.role, Time: time.Now().UTC(), Keys: keys, InFlight: map[string]string{}}
	for key, h := range t.inFlight {
		record.InFlight[key] = h.stage
		if h.stage == "" {
			record.InFlight[key] = Claiming
		}
	}
	line, err := json.Marshal(record)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(t.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Sync()
}

// claiming notes deliveries that are asked for.
func (t *Trap) claiming(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		h := t.inFlight[key]
		if h == nil {
			h = &openDelivery{}
			t.inFlight[key] = h
		}
		h.claiming++
	}
}

// claimed notes the answer to claiming. Where whether the claim was committed is unknown, its keys stay in flight.
func (t *Trap) claimed(keys []string, mine map[string]bool, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		h := t.inFlight[key]
		if h == nil {
			continue
		}
		if mine[key] {
			h.stage = Claimed
		}
		if known {
			h.claiming--
		}
		if h.stage == "" && h.claiming <= 0 {
			delete(t.inFlight, key)
		}
	}
}

// stage moves a delivery in flight on.
func (t *Trap) stage(key, stage string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if h := t.inFlight[key]; h != nil {
		h.stage = stage
	}
}

// written takes deliveries out of what is in flight: their outcomes are in the ledger.
func (t *Trap) written(keys []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		if h := t.inFlight[key]; h != nil && h.claiming > 0 {
			h.stage = ""
		} else {
			delete(t.inFlight, key)
		}
	}
}
