package billing

import (
	"time"

	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// CopyPeriod is how long after it was asked for a copy may go out. The bill's own deadline does not bind it.
const CopyPeriod = 7 * 24 * time.Hour

// MayCopy returns an error unless the bill was accepted by a gateway and none of its copies is still open: only then may
// another one be made. It says what to do instead.
func (t Target) MayCopy(copies []Target) error {
	switch t.s.Dispatch {
	case Succeeded:
	case Ready, Failed, Requested:
		return t.refuse("it is %s: it goes out by itself; a wrong address is corrected (`balsong batch import --correct`)", t.s.Dispatch)
	case Paused:
		return t.refuse("it is PAUSED (%s): correct or resume the bill itself (`balsong target resume`)", t.s.Pause)
	case Unknown:
		return t.refuse("it may have been delivered: ask the gateway, then `balsong target delivered`, `not-delivered` or `send-anyway`")
	case Cancelled:
		return t.refuse("it was cancelled and never sent: `balsong target uncancel` sends it")
	default:
		return t.refuse("it is %s and was never accepted: reach the customer by post (`balsong unreached`)", t.s.Dispatch)
	}
	for _, c := range copies {
		if !c.s.Dispatch.Final() {
			return t.refuse("its copy %d is %s and has not come to an end: another one can be asked for after that", c.s.Key.CopyNumber(), c.s.Dispatch)
		}
	}
	if len(copies) >= key.MaxCopies {
		return t.refuse("it has %d copies, and no more are possible", len(copies))
	}
	return nil
}

// Copy returns the next copy of the bill: a target of its own, which goes out from now on, by one channel. Its statement is
// the bill's, so it is rendered from the start. MayCopy comes before it.
func (t Target) Copy(copies []Target, on channel.Kind, now time.Time) Target {
	return Target{s: State{
		Key: t.s.Key.Copy(len(copies) + 1), Batch: Rendered, Dispatch: Ready, AvailableAt: now, Deadline: now.Add(CopyPeriod),
		Quiet: t.s.Quiet, Zone: t.s.Zone, Reachable: channel.NewSet(on), Suppressed: t.s.Suppressed, OptedOut: t.s.OptedOut,
	}}
}
