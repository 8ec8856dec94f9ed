package restorecheck

import (
	"fmt"
	"strings"
)

// reachesBack returns ErrGap where the log begins after the moment of the restore.
func (r *run) reachesBack() error {
	if r.report.Gap = !r.report.From.IsZero() && r.report.From.After(r.RestoredTo); r.report.Gap && !r.AllowGap {
		return fmt.Errorf("%w: messages before %s are gone, and the database was restored to %s: what happened between is not known", ErrGap, instant(r.report.From), instant(r.RestoredTo))
	}
	return nil
}

// keepFirst keeps what the first reading found, and notes what the second one did not find any more: retention may remove the oldest
// messages between the two.
func (r *run) keepFirst(first logReport) {
	second := r.report.logReport
	for i, topic := range first.Topics {
		if now := second.Topics[i]; now.Messages < topic.Messages {
			first.Removed = append(first.Removed, TopicReport{Topic: topic.Topic, Messages: topic.Messages - now.Messages, From: now.From})
		}
	}
	first.RemovedGap = second.From.After(r.RestoredTo) && len(first.Removed) > 0
	r.report.logReport = first
}

// removedNothing returns ErrGap where messages of the lost period were removed while the log was read. Everything else is done by then.
func (r *run) removedNothing() error {
	if !r.report.RemovedGap || r.AllowGap {
		return nil
	}
	var of []string
	for _, topic := range r.report.Removed {
		of = append(of, fmt.Sprintf("%d of %s before %s", topic.Messages, topic.Topic, instant(topic.From)))
	}
	return fmt.Errorf("%w any more: retention removed messages while they were read (%s): what they told is not in the ledger, all else is: restore the database to a later moment, or allow the gap", ErrGap, strings.Join(of, ", "))
}
