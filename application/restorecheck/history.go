package restorecheck

import (
	"context"
	"maps"
	"slices"

	"github.com/balsong/balsong/application/port"
)

// closing are the acts of people that a check must come before: they close a delivery key although its call may have been accepted,
// or give a copy the number of one that was lost. What the log says of such a key comes too late.
var closing = []port.Action{
	port.ActionCancel, port.ActionUncancel, port.ActionSendAnyway, port.ActionDelivered, port.ActionNotDelivered, port.ActionCorrect, port.ActionCopy,
}

// history is what was done since the moment of the restore.
type history struct {
	raised  port.AuditRecord          // of the first check: with its entry, user ids were raised; without an id where there was none
	closed  map[port.Action]ActReport // closing acts, before a check had come to its end: one that was killed has not written all keys
	resumed map[string]bool           // bills that were resumed since a check had come to its end
	later   map[string]bool           // resumed later than the acts that are still to be added
}

func newHistory() history {
	return history{closed: map[port.Action]ActReport{}, resumed: map[string]bool{}, later: map[string]bool{}}
}

// add adds an act that is older than those that were added.
func (h *history) add(act port.AuditRecord) {
	is := func(action port.Action) bool { return port.AuditFilter{Action: action}.Chooses(act) }
	switch i := slices.IndexFunc(closing, is); {
	case is(port.ActionRestoreCheck):
		h.raised = act
	case is(port.ActionRestoreChecked):
		clear(h.closed)
		maps.Copy(h.resumed, h.later)
		clear(h.later)
	case is(port.ActionResume):
		h.later[act.Subject] = true
	case i >= 0:
		h.closed[closing[i]] = ActReport{Action: closing[i], Acts: h.closed[closing[i]].Acts + 1, Subject: act.Subject, At: act.By.At}
	}
}

func (r *run) readHistory(ctx context.Context) error {
	filter := port.AuditFilter{Since: r.RestoredTo}
	for {
		var acts []port.AuditRecord
		err := r.database(ctx, func(ctx context.Context) (err error) {
			acts, err = r.Audit.List(ctx, filter, page)
			return err
		})
		if err != nil {
			return err
		}
		for _, act := range acts {
			r.history.add(act)
		}
		if len(acts) < page {
			return nil
		}
		filter.Before = acts[len(acts)-1].ID
	}
}
