package porttest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Imports runs the suite of port.Imports.
func Imports(t *testing.T, open OpenStorage) { Run(t, ImportsChecks(), open) }

// ImportsChecks are the promises of port.Imports.
func ImportsChecks() []Check[Storage] {
	return []Check[Storage]{
		onStage("stores new bills as IMPORTED and READY", importsNew),
		onStage("keeps a customer's user id across months", importsUserIDs),
		onStage("changes nothing when the same is imported again", importsAgain),
		onStage("tells of a row that differs, and keeps the first", importsConflict),
		onStage("compares, stores no bill, and resolves what a stored one names", importsCompare),
		onStage("lets one import at a time have a month", importsAlone),
		onStage("takes a customer named twice in a chunk once", importsTwiceInChunk),
		onStage("gives one user id where imports run at once", importsRace),
		onStage("seals each part for its own purpose", importsSeals),
		onStage("stores nothing of a chunk that cannot be sealed", importsSealFails),
		onStage("notes a refused row once", importsRejects),
		onStage("counts a refused row until it comes in", importsCorrected),
		onStage("keeps the record of each import", importsRecords),
		onStage("remembers where each bill came from", importsOrigin),
	}
}

func reportText(r port.ImportReport) string { return fmt.Sprintf("%+v", r) }

func (s *stage) importing(month key.Month, bills ...port.ImportedBill) port.ImportReport {
	s.Helper()
	r := given(s.Imports.Store(s.ctx, month, bills, seal))(s)
	if len(r.Conflicts) == 0 {
		r.Conflicts = nil
	}
	return r
}

func (s *stage) reportIs(got, want port.ImportReport) {
	s.Helper()
	if reportText(got) != reportText(want) {
		s.Errorf("the report is %+v, want %+v", got, want)
	}
}

// found finds a customer's target.
func (s *stage) found(month key.Month, n int) billing.State {
	s.Helper()
	target, _, err := s.Report.Find(s.ctx, month, customer(n))
	s.must(err)
	return target.State()
}

func importsNew(s *stage) {
	bills := []port.ImportedBill{bill(november, 3, noon), bill(november, 1, noon.Add(time.Hour))}
	s.reportIs(s.importing(november, bills...), port.ImportReport{Inserted: 2})
	for _, b := range bills {
		target, _, err := s.Report.Find(s.ctx, november, b.Customer)
		s.must(err)
		want := b.State
		want.Key, want.Batch, want.Dispatch = target.Key(), billing.Imported, billing.Ready
		s.stateIs(b.Customer, target.State(), want)
		if target.Key().UserID < 1 || target.Key().Month != november {
			s.Errorf("%s became %s", b.Customer, target.Key())
		}
	}
	s.reportIs(s.importing(november), port.ImportReport{})
}

func importsUserIDs(s *stage) {
	first := s.imported(november, 3)
	second := s.store(december, bill(december, 2, noon), bill(december, 5, noon), bill(december, 0, noon))
	if second[0].UserID != first[2].UserID || second[2].UserID != first[0].UserID {
		s.Errorf("users %v became %v", first, second)
	}
	ids := []int64{first[0].UserID, first[1].UserID, first[2].UserID, second[1].UserID}
	slices.Sort(ids)
	if len(slices.Compact(ids)) != 4 {
		s.Errorf("two customers share a user id: %v and %v", first, second)
	}
}

func importsAgain(s *stage) {
	k := s.rendered(november, 2)[0]
	s.change(func(state *billing.State) { state.Dispatch, state.Attempt = billing.Succeeded, 2 }, k)
	before := s.state(k)
	s.reportIs(s.importing(november, bill(november, 0, noon), bill(november, 1, noon), bill(november, 2, noon)),
		port.ImportReport{Inserted: 1, Unchanged: 2})
	s.stateIs("after importing again", s.state(k), before)
}

func importsConflict(s *stage) {
	s.imported(november, 2)
	before := s.found(november, 1)
	other := bill(november, 1, noon.Add(time.Hour))
	other.Fingerprint[0]++
	other.Line = 77
	s.reportIs(s.importing(november, bill(november, 0, noon), other, bill(november, 2, noon)), port.ImportReport{
		Inserted: 1, Unchanged: 1, Conflicts: []port.ImportConflict{{Customer: customer(1), Line: 77}},
	})
	s.stateIs("after a row that differs", s.found(november, 1), before)
}

func importsCompare(s *stage) {
	s.imported(november, 2)
	other := bill(november, 1, noon.Add(time.Hour))
	other.Fingerprint[0]++
	fresh := bill(november, 7, noon)
	got := given(s.Imports.Compare(s.ctx, november, []port.ImportedBill{bill(november, 0, noon), other, fresh}))(s)
	s.reportIs(got, port.ImportReport{
		Unchanged: 1,
		Conflicts: []port.ImportConflict{{Customer: customer(1), Line: other.Line}},
		New:       []port.ImportConflict{{Customer: customer(7), Line: fresh.Line}},
	})
	refused := port.Reject{File: "first.csv", Line: 3, Field: "amount", Reason: "is empty"}
	s.rejecting(november, []port.Reject{refused, {File: "first.csv", Line: 4, Field: "amount", Reason: "is empty"}})
	named := []port.ImportedBill{bill(november, 0, noon), other}
	named[0].Resolves, named[1].Resolves = port.RejectedRow{File: "first.csv", Line: 3}, port.RejectedRow{File: "first.csv", Line: 4}
	given(s.Imports.Compare(s.ctx, november, named))(s)
	s.refusedAre("of two, of which the bill that is stored as it is names one", 1, 1)
	if _, _, err := s.Report.Find(s.ctx, november, customer(7)); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("after comparing, the new bill: %v, want ErrNotFound", err)
	}
	if _, err := s.Imports.Compare(s.ctx, december+1, []port.ImportedBill{fresh}); !errors.Is(err, port.ErrInvalid) {
		s.Errorf("comparing with a month that was never opened: %v, want ErrInvalid", err)
	}
}

func importsAlone(s *stage) {
	claimed := func(month key.Month) (func(), port.ImportRecord) {
		release, other, err := s.Imports.TryLockMonth(s.ctx, month)
		s.must(err)
		return release, other
	}
	release, _ := claimed(november)
	if release == nil {
		s.Fatal("nobody had the month, and it was not given")
	}
	if second, other := claimed(november); second != nil || other.ID != 0 {
		s.Errorf("a second import got the month, or was told of %+v", other)
	}
	record := port.ImportRecord{Month: november, File: "bills.csv", By: port.Act{Actor: "kim"}, StartedAt: noon}
	record.ID = given(s.Imports.Begin(s.ctx, record))(s)
	if second, other := claimed(november); second != nil || other.ID != record.ID || other.File != record.File || other.By.Actor != "kim" {
		s.Errorf("a second import was told of %+v", other)
	}
	if elsewhere, _ := claimed(december); elsewhere == nil {
		s.Error("another month was not given")
	} else {
		elsewhere()
	}
	release()
	again, _ := claimed(november)
	if again == nil {
		s.Fatal("the month was not given again")
	}
	again()
}

func importsTwiceInChunk(s *stage) {
	same, other := bill(november, 0, noon), bill(november, 0, noon.Add(time.Hour))
	other.Fingerprint[0]++
	other.Line = 77
	s.reportIs(s.importing(november, bill(november, 0, noon), same, other), port.ImportReport{
		Inserted: 1, Unchanged: 1, Conflicts: []port.ImportConflict{{Customer: customer(0), Line: 77}},
	})
	if got := s.found(november, 0).AvailableAt; !got.Equal(noon) {
		s.Errorf("the second row of the customer was kept: available at %s", got)
	}
}

func importsRace(s *stage) {
	var done sync.WaitGroup
	inserted := make([]int, 4)
	for i := range inserted {
		month := november + key.Month(i%2)
		done.Go(func() {
			var bills []port.ImportedBill
			for n := range 50 {
				bills = append(bills, bill(month, n, noon))
			}
			if i >= 2 {
				slices.Reverse(bills)
			}
			r, err := s.Imports.Store(s.ctx, month, bills, seal)
			// The database may end one of them in favour of the other: it is run again.
			for errors.Is(err, port.ErrConflict) {
				r, err = s.Imports.Store(s.ctx, month, bills, seal)
			}
			if err != nil {
				s.Errorf("import %d: %v", i, err)
			}
			inserted[i] = r.Inserted
		})
	}
	done.Wait()
	if inserted[0]+inserted[2] != 50 || inserted[1]+inserted[3] != 50 {
		s.Errorf("inserted %v: want 50 a month between two imports", inserted)
	}
	users := map[int64]bool{}
	for n := range 50 {
		id := s.found(november, n).Key.UserID
		users[id] = true
		if other := s.found(december, n).Key.UserID; other != id {
			s.Errorf("%s is user %d and user %d", customer(n), id, other)
		}
	}
	if len(users) != 50 {
		s.Errorf("50 customers have %d user ids", len(users))
	}
}

func importsSeals(s *stage) {
	b := bill(november, 0, noon)
	var got []string
	_, err := s.Imports.Store(s.ctx, november, []port.ImportedBill{b}, func(plain []byte, purpose port.Purpose) ([]byte, error) {
		sealed, err := seal(plain, purpose)
		got = append(got, string(sealed))
		return sealed, err
	})
	s.must(err)
	k := s.found(november, 0).Key
	want := []string{
		"sealed|billing_data|" + k.String() + "||" + string(b.Data),
		"sealed|destination|" + k.String() + "|EMAIL|" + b.Destinations[channel.Email],
		"sealed|destination|" + k.String() + "|SMS|" + b.Destinations[channel.SMS],
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		s.Errorf("sealed %q, want %q", got, want)
	}
	bills, _, err := s.Renders.Next(s.ctx, november, port.Cursor{}, 10)
	s.must(err)
	if len(bills) != 1 || string(bills[0].Data) != want[0] {
		s.Errorf("kept %v, want %q", bills, want[0])
	}
}

func importsSealFails(s *stage) {
	failure := errors.New("the key service is gone")
	calls := 0
	_, err := s.Imports.Store(s.ctx, november, []port.ImportedBill{bill(november, 0, noon), bill(november, 1, noon)},
		func(plain []byte, purpose port.Purpose) ([]byte, error) {
			if calls++; calls == 5 {
				return nil, failure
			}
			return seal(plain, purpose)
		})
	if !errors.Is(err, failure) {
		s.Errorf("the error is %v, want the seal's", err)
	}
	if f := given(s.Report.Funnel(s.ctx, november))(s); f.Imported != 0 {
		s.Errorf("%d bills are there", f.Imported)
	}
	s.reportIs(s.importing(november, bill(november, 0, noon), bill(november, 1, noon)), port.ImportReport{Inserted: 2})
}

func importsRejects(s *stage) {
	rejects := []port.Reject{
		{File: "a.csv", Line: 3, Field: "email", Reason: "is empty"},
		{File: "a.csv", Line: 4, Field: "amount", Reason: "is no number"},
		{File: "b.csv", Line: 3, Field: "email", Reason: "이메일 없음"},
	}
	for range 2 {
		s.rejecting(november, rejects)
	}
	s.rejecting(november, nil)
	s.rejecting(december, rejects[:1])
	for month, want := range map[key.Month]int{november: 3, december: 1} {
		if f := given(s.Report.Funnel(s.ctx, month))(s); f.Rejected != want {
			s.Errorf("%s: %d rejected, want %d", month, f.Rejected, want)
		}
	}
}

// importing is an import as it begins.
func importing(file string) port.ImportRecord {
	return port.ImportRecord{Month: november, File: file, By: port.Act{Actor: "kim", Reason: "11월"}, StartedAt: noon}
}

func importRecordsAre(s *stage, got []port.ImportRecord, want ...port.ImportRecord) {
	s.Helper()
	for i := range got {
		got[i].StartedAt, got[i].FinishedAt = normal(got[i].StartedAt), normal(got[i].FinishedAt)
	}
	if !slices.Equal(got, want) {
		s.Errorf("the records are\n%+v, want\n%+v", got, want)
	}
}

func importsRecords(s *stage) {
	first, second := importing("a.csv"), importing("b.csv")
	second.Mapping = [32]byte{1, 31: 2}
	first.ID = given(s.Imports.Begin(s.ctx, first))(s)
	second.ID = given(s.Imports.Begin(s.ctx, second))(s)
	if first.ID < 1 || second.ID <= first.ID {
		s.Errorf("the imports are %d and %d", first.ID, second.ID)
	}
	importRecordsAre(s, given(s.Report.Imports(s.ctx, november))(s), first, second)
	first.FinishedAt, first.Rows, first.Inserted, first.Unchanged, first.Corrected = noon.Add(time.Hour), 15, 1, 2, 3
	first.Conflicts, first.Rejected, first.Error = 4, 5, "the disk was full"
	s.must(s.Imports.End(s.ctx, first))
	importRecordsAre(s, given(s.Report.Imports(s.ctx, november))(s), first, second)
	importRecordsAre(s, given(s.Report.Imports(s.ctx, december))(s))
	unknown := importing("c.csv")
	unknown.ID = second.ID + 100
	if err := s.Imports.End(s.ctx, unknown); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("ending an import that never began: %v, want ErrNotFound", err)
	}
}

func (s *stage) originIs(k key.Target, want port.Origin) {
	s.Helper()
	got := given(s.Report.Origin(s.ctx, k))(s)
	got.RenderedAt, got.Import.StartedAt = normal(got.RenderedAt), normal(got.Import.StartedAt)
	if got != want {
		s.Errorf("%s comes from\n%+v, want\n%+v", k, got, want)
	}
}

func importsOrigin(s *stage) {
	record := importing("청구.csv")
	record.ID = given(s.Imports.Begin(s.ctx, record))(s)
	first, second := bill(november, 0, noon), bill(november, 1, noon)
	first.File, first.Line, first.Import = "청구.csv", 7, record.ID
	keys := s.store(november, first, second)
	s.originIs(keys[0], port.Origin{File: "청구.csv", Line: 7, Version: 1, Import: record})
	s.originIs(keys[1], port.Origin{File: second.File, Line: second.Line, Version: 1})
	s.render(november)
	s.originIs(keys[1], port.Origin{File: second.File, Line: second.Line, Version: 1, RenderedAt: noon})
	again := first
	again.File, again.Line = "again.csv", 99
	s.importing(november, again)
	s.originIs(keys[0], port.Origin{File: "청구.csv", Line: 7, Version: 1, Import: record, RenderedAt: noon})
	correction := corrected(1)
	correction.File, correction.Line, correction.Import = "corrected.csv", 3, record.ID
	s.must(s.correct(correction, takeCorrection))
	s.originIs(keys[1], port.Origin{File: "corrected.csv", Line: 3, Version: 2, Import: record})
	if _, err := s.Report.Origin(s.ctx, key.Target{Month: december, UserID: keys[0].UserID}); !errors.Is(err, port.ErrNotFound) {
		s.Errorf("the origin of what is not there: %v, want ErrNotFound", err)
	}
}
