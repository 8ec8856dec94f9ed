package importing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
)

// begin opens the month, keeps other imports of it out until release is called, finds out which bills the month still
// takes, and records the import.
func (r *run) begin(ctx context.Context) (release func(), err error) {
	if err = r.retry(ctx, func(ctx context.Context) error { return r.ports.Months.Open(ctx, r.rules.Month) }); err != nil {
		return nil, err
	}
	release = func() {}
	if !r.rules.AllowConcurrent {
		if release, err = r.lockMonth(ctx); err != nil {
			return nil, err
		}
	}
	if err = r.lookForOthers(ctx); err == nil {
		err = r.admit(ctx)
	}
	if err == nil {
		err = r.keepMapping(ctx)
	}
	if err == nil {
		err = r.identify(ctx)
	}
	if err == nil {
		err = r.beginRecord(ctx)
	}
	if err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// lockMonth claims the month; billing.ErrRefused where another import has it.
func (r *run) lockMonth(ctx context.Context) (release func(), err error) {
	var other port.ImportRecord
	err = r.retry(ctx, func(ctx context.Context) error {
		release, other, err = r.ports.Imports.TryLockMonth(ctx, r.rules.Month)
		return err
	})
	if err != nil || release != nil {
		return release, err
	}
	who := ""
	if other.ID != 0 {
		who = fmt.Sprintf(" (%s, by %q, since %s)", other.File, other.By.Actor, other.StartedAt.Format("2006-01-02 15:04:05 MST"))
	}
	return nil, fmt.Errorf("%w: another import of %s is running%s: wait for its end, or name all files in one import; --allow-concurrent runs this one all the same: "+
		"of two different bills of a customer the first one that is stored stays", billing.ErrRefused, r.rules.Month, who)
}

// admit finds out whether the month still takes bills of customers that it does not have. A correction brings none unless
// the rules say so: a number that is mistyped would be a second bill.
func (r *run) admit(ctx context.Context) error {
	var started bool
	err := r.retry(ctx, func(ctx context.Context) (err error) {
		started, err = r.ports.Months.DispatchStarted(ctx, r.rules.Month)
		return err
	})
	switch {
	case err != nil:
		return err
	case !started:
		r.closedToNew = r.rules.Correct && !r.rules.AllowNew
		return nil
	case r.rules.AllowNew:
		r.audited = append(r.audited, port.AuditEntry{
			Action: port.ActionImportNew.With(r.source.file.Name), Subject: r.rules.Month.String(), By: r.act(),
		})
		return nil
	default:
		r.closedToNew = true
		r.reporter.Note(fmt.Sprintf("dispatch of %s has begun: bills of customers whom it does not have yet are refused (--allow-new --reason … takes them)", r.rules.Month))
		return nil
	}
}

// keepMapping keeps the mapping with the month. billing.ErrRefused where the month was imported with another one, unless the rules
// allow that: two mappings can make different bills of one file.
func (r *run) keepMapping(ctx context.Context) error {
	if r.source.file.Mapping == nil {
		return nil
	}
	used := port.MonthMapping{
		Fingerprint: r.source.file.Mapping.Fingerprint(), Name: r.source.file.MappingName, Text: r.source.file.MappingText, AddedAt: r.ports.Clock.Now(),
	}
	var there []port.MonthMapping
	err := r.retry(ctx, func(ctx context.Context) (err error) {
		there, err = r.ports.Mappings.Of(ctx, r.rules.Month)
		return err
	})
	if err != nil {
		return err
	}
	r.record.Mapping = used.Fingerprint
	if slices.ContainsFunc(there, func(m port.MonthMapping) bool { return m.Fingerprint == used.Fingerprint || r.saysTheSame(m) }) {
		return nil
	}
	if len(there) > 0 {
		last := there[len(there)-1]
		differs := fmt.Sprintf("%s was imported with another mapping: %s of %s (%x); this is %s (%x)", r.rules.Month, last.Name,
			last.AddedAt.Format("2006-01-02 15:04 MST"), last.Fingerprint[:4], used.Name, used.Fingerprint[:4])
		if before, ok := r.parsed(last); ok {
			differs += "; they differ in " + strings.Join(before.Differences(*r.source.file.Mapping), ", ")
		}
		if !r.rules.AllowMapping {
			return fmt.Errorf("%w: %s: `batch mappings --month %s` shows it; --allow-mapping uses this one all the same", billing.ErrRefused, differs, r.rules.Month)
		}
		r.reporter.Note(differs)
	}
	return r.retry(ctx, func(ctx context.Context) error { return r.ports.Mappings.Add(ctx, r.rules.Month, used) })
}

// parsed is a mapping that the month keeps, where it can be read.
func (r *run) parsed(kept port.MonthMapping) (mapping.Mapping, bool) {
	if r.source.file.ParseMapping == nil {
		return mapping.Mapping{}, false
	}
	m, err := r.source.file.ParseMapping(kept.Text)
	return m, err == nil
}

// saysTheSame reports whether a mapping that the month keeps is the file's, although its fingerprint was made in another way.
func (r *run) saysTheSame(kept port.MonthMapping) bool {
	before, ok := r.parsed(kept)
	return ok && before.Fingerprint() == r.source.file.Mapping.Fingerprint()
}

// act is who imports and why, now.
func (r *run) act() port.Act {
	by := r.by
	by.At = r.ports.Clock.Now()
	return by
}

// beginRecord records the import. The record of an import that dies has no end.
func (r *run) beginRecord(ctx context.Context) error {
	mapped := r.record.Mapping
	r.record = port.ImportRecord{Mapping: mapped, Month: r.rules.Month, File: r.source.file.Name, By: r.by, StartedAt: r.ports.Clock.Now()}
	return r.retry(ctx, func(ctx context.Context) (err error) {
		r.record.ID, err = r.ports.Imports.Begin(ctx, r.record, r.audited...)
		return err
	})
}

// finish records the end of the import, with the error that ended it.
func (r *run) finish(ctx context.Context, failed error) error {
	r.record.FinishedAt = r.ports.Clock.Now()
	r.record.Rows, r.record.Inserted, r.record.Unchanged = r.summary.Rows, r.summary.Inserted, r.summary.Unchanged
	r.record.Corrected, r.record.Conflicts, r.record.Rejected = r.summary.Corrected, r.summary.Conflicts, r.summary.Rejected+r.summary.Resolved
	if failed != nil {
		r.record.Error = failed.Error()
		// One try: the import's error counts, and its context may have ended.
		return errors.Join(failed, r.ports.Imports.End(context.WithoutCancel(ctx), r.record))
	}
	return r.retry(ctx, func(ctx context.Context) error { return r.ports.Imports.End(ctx, r.record) })
}

// retry repeats do while the database is down.
func (r *run) retry(ctx context.Context, do func(context.Context) error) error {
	return r.ports.Watch.Retry(ctx, port.ComponentDatabase, do)
}
