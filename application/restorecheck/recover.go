package restorecheck

import (
	"context"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// recover counts what the database does not have, and writes, in one transaction, those recoveries that the ledger does not have.
func (r *run) recover(ctx context.Context, recoveries []attempt.Recovery) error {
	if len(recoveries) == 0 {
		return nil
	}
	if err := r.notice(ctx, recoveries); err != nil {
		return err
	}
	states, err := r.states(ctx, recoveries)
	if err != nil {
		return err
	}
	var write []attempt.Recovery
	at := map[key.Delivery]int{}
	for _, recovery := range recoveries {
		k := recovery.Key
		if !recovery.Recovers(states[k]) {
			continue
		}
		states[k] = recovery.State
		if i, again := at[k]; again {
			write[i] = recovery
			continue
		}
		at[k] = len(write)
		write = append(write, recovery)
	}
	written := make([]key.Delivery, len(write))
	for i, recovery := range write {
		written[i] = recovery.Key
	}
	if r.Apply && len(write) > 0 {
		if written, err = r.store(ctx, write); err != nil {
			return err
		}
	}
	for _, k := range written {
		r.would.set(k, states[k])
	}
	return nil
}

// notice notes which targets the database does not have.
func (r *run) notice(ctx context.Context, recoveries []attempt.Recovery) error {
	targets := make([]key.Target, len(recoveries))
	for i, recovery := range recoveries {
		targets[i] = recovery.Key.Target()
	}
	return r.database(ctx, func(ctx context.Context) error {
		missing, err := r.Recovery.Missing(ctx, targets)
		for _, k := range missing {
			r.missing.add(k)
		}
		return err
	})
}

// states returns the states of the rows that keys have, or would have by now.
func (r *run) states(ctx context.Context, recoveries []attempt.Recovery) (map[key.Delivery]attempt.State, error) {
	keys := make([]key.Delivery, len(recoveries))
	for i, recovery := range recoveries {
		keys[i] = recovery.Key
	}
	states := make(map[key.Delivery]attempt.State, len(keys))
	err := r.database(ctx, func(ctx context.Context) error {
		rows, err := r.Ledger.Find(ctx, keys)
		for _, row := range rows {
			states[row.Key] = row.State
		}
		return err
	})
	if r.Apply { // the ledger has what was written
		return states, err
	}
	for _, k := range keys {
		if state := r.would.state(k); state != "" {
			states[k] = state
		}
	}
	return states, err
}

// store writes recoveries and returns the keys whose rows it has changed.
func (r *run) store(ctx context.Context, write []attempt.Recovery) (written []key.Delivery, err error) {
	if err := r.openMonths(ctx, write); err != nil {
		return nil, err
	}
	err = r.database(ctx, func(ctx context.Context) error {
		return r.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) (err error) {
			written, err = tx.Recover(ctx, write)
			return err
		})
	})
	return written, err
}

// openMonths opens months that the database does not know: their bills are to be imported again, and their keys are closed by then.
func (r *run) openMonths(ctx context.Context, write []attempt.Recovery) error {
	for _, recovery := range write {
		month := recovery.Key.Month
		if _, known := r.known.months[month]; known {
			continue
		}
		if err := r.database(ctx, func(ctx context.Context) error { return r.Months.Open(ctx, month) }); err != nil {
			return err
		}
		r.known.months[month] = port.MonthState{Month: month, Open: true}
	}
	return nil
}
