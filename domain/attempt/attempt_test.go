package attempt_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/balsong/balsong/domain/attempt"
	"pgregory.net/rapid"
)

func drawBackoff(t *rapid.T) attempt.Backoff {
	base := rapid.Int64Range(0, int64(attempt.MaxPause)).Draw(t, "base")
	return attempt.Backoff{
		Base:   time.Duration(base),
		Factor: rapid.Float64Range(1, 100).Draw(t, "factor"),
		Max:    time.Duration(rapid.Int64Range(base, int64(attempt.MaxPause)).Draw(t, "max")),
	}
}

func TestABackoffGrowsUpToItsBound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := drawBackoff(t)
		if err := b.Validate(); err != nil {
			t.Fatal(err)
		}
		n := rapid.IntRange(-5, 1_000_000).Draw(t, "n")
		pause, next := b.After(n), b.After(n+1)
		if pause < 0 || pause > b.Max || next < pause {
			t.Fatalf("%+v: %s after %d, %s after %d", b, pause, n, next, n+1)
		}
		if first := b.After(0); first != b.Base {
			t.Fatalf("%+v: the first pause is %s", b, first)
		}
	})
}

func TestASpreadBackoffIsAtMostAFifthLongerAndTheSameForTheSameUser(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b, n, user := drawBackoff(t), rapid.IntRange(0, 100).Draw(t, "n"), rapid.Int64().Draw(t, "user")
		pause, spread := b.After(n), b.Spread(n, user)
		if spread < pause || spread-pause > pause/5+1 || spread != b.Spread(n, user) {
			t.Fatalf("%+v: %s becomes %s for user %d", b, pause, spread, user)
		}
	})
}

func TestUsersThatFailedTogetherComeBackSpread(t *testing.T) {
	t.Parallel()
	b := attempt.Backoff{Base: 10 * time.Minute, Factor: 3, Max: 6 * time.Hour}
	seen := map[time.Duration]int{}
	for user := range int64(10_000) {
		seen[b.Spread(0, user+1)/(12*time.Second)]++ // ten slices of the fifth
	}
	for slice, users := range seen {
		if users < 800 || users > 1_200 {
			t.Errorf("slice %d has %d of 10,000 users", slice, users)
		}
	}
	if len(seen) != 10 {
		t.Errorf("the users come back in %d slices, want 10", len(seen))
	}
}

func TestBackoffsThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	for _, b := range []attempt.Backoff{
		{},
		{Base: -1, Factor: 1, Max: 1},
		{Base: 2, Factor: 1, Max: 1},
		{Base: 1, Factor: 0.9, Max: 1},
		{Base: 1, Factor: 101, Max: 1},
		{Base: 1, Factor: math.NaN(), Max: 1},
		{Base: 1, Factor: math.Inf(1), Max: 1},
		{Base: 1, Factor: 2, Max: attempt.MaxPause + 1},
		{Base: math.MaxInt64, Factor: 1, Max: math.MaxInt64},
	} {
		if err := b.Validate(); !errors.Is(err, attempt.ErrBackoff) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

// The rules R3, R5, R6 and R9 and the sweeper, written down a second time.
func TestTheLedgersTable(t *testing.T) {
	t.Parallel()
	const none = attempt.State("")
	may := map[attempt.Actor]map[attempt.State][]attempt.State{
		attempt.ByCaller: {
			none: {attempt.Claimed}, attempt.Claimed: {attempt.Failed, attempt.NotSent, attempt.Unknown}, attempt.Unknown: {attempt.Failed},
		},
		attempt.ByAnswer: {
			attempt.Claimed: {attempt.Succeeded}, attempt.Unknown: {attempt.Succeeded}, attempt.Failed: {attempt.Succeeded},
			attempt.NotSent: {attempt.Succeeded}, attempt.Revoked: {attempt.Succeeded},
		},
		attempt.ByDelivery: {none: {attempt.NotSent, attempt.Failed}},
		attempt.BySweeper:  {attempt.Claimed: {attempt.Unknown}},
		attempt.ByRevoke:   {none: {attempt.Revoked}},
		attempt.ByOperator: {attempt.Unknown: {attempt.Succeeded, attempt.Failed}},
		attempt.ByRestore: {
			none:            {attempt.Succeeded, attempt.Failed, attempt.NotSent, attempt.Unknown},
			attempt.Claimed: {attempt.Succeeded, attempt.Failed, attempt.NotSent, attempt.Unknown},
			attempt.Unknown: {attempt.Succeeded, attempt.Failed},
			attempt.Failed:  {attempt.Succeeded}, attempt.NotSent: {attempt.Succeeded}, attempt.Revoked: {attempt.Succeeded},
		},
	}
	states := append([]attempt.State{none}, attempt.States...)
	count := 0
	for by, table := range may {
		for _, from := range states {
			for _, to := range states {
				want := false
				for _, allowed := range table[from] {
					want = want || allowed == to
				}
				if got := attempt.Allowed(from, to, by); got != want {
					t.Errorf("%s: %q to %q: %v, want %v", by, from, to, got, want)
				}
				if want {
					count++
				}
			}
		}
	}
	if count != len(attempt.Transitions) {
		t.Errorf("the table has %d lines, the rules %d", len(attempt.Transitions), count)
	}
}

func TestNothingLeavesSuccessAndNothingBecomesClaimedAgain(t *testing.T) {
	t.Parallel()
	for _, tr := range attempt.Transitions {
		if tr.From == attempt.Succeeded || (tr.To == attempt.Claimed && tr.From != "") {
			t.Errorf("%+v", tr)
		}
	}
}

// R5 in full: which outcome changes which row.
func TestWhatARowAccepts(t *testing.T) {
	t.Parallel()
	mine, other := attempt.Token{1}, attempt.Token{2}
	for _, from := range attempt.States {
		for _, to := range attempt.States {
			for _, token := range []attempt.Token{mine, other, {}} {
				for _, owner := range []attempt.Token{mine, {}} {
					for _, manual := range []bool{false, true} {
						row := attempt.Row{State: from, Owner: owner, Provider: "old", Class: attempt.Temporary}
						outcome := attempt.Outcome{State: to, Token: token, Verdict: manual, Provider: "new", ProviderMessageID: "id", Class: attempt.Permanent}
						owned := token == mine && owner == mine
						var want bool
						switch {
						case manual:
							want = from == attempt.Unknown && (to == attempt.Succeeded || to == attempt.Failed)
						case to == attempt.Succeeded:
							want = from != attempt.Succeeded // success always wins, whoever answers
						case to == attempt.Failed:
							want = owned && (from == attempt.Claimed || from == attempt.Unknown)
						case to == attempt.NotSent, to == attempt.Unknown:
							want = owned && from == attempt.Claimed
						}
						after, changed := row.Apply(outcome)
						if row.Accepts(outcome) != want || changed != want {
							t.Errorf("%s to %s, token %v of %v, manual %v: %v, want %v", from, to, token[0], owner[0], manual, changed, want)
						}
						if !changed && after != row {
							t.Errorf("%s to %s changed the row though it was not accepted", from, to)
						}
						if changed && (after.State != to || after.Class != attempt.Permanent || after.Provider != "new" || after.ProviderMessageID != "id") {
							t.Errorf("%s to %s left %+v", from, to, after)
						}
					}
				}
			}
		}
	}
}

func TestAnOutcomeThatNamesNoProviderKeepsTheRows(t *testing.T) {
	t.Parallel()
	row := attempt.Row{State: attempt.Unknown, Provider: "smtp", ProviderMessageID: "m-1"}
	after, changed := row.Apply(attempt.Outcome{State: attempt.Succeeded, Verdict: true, Reason: attempt.ReasonManual})
	if !changed || after.Provider != "smtp" || after.ProviderMessageID != "m-1" || after.Reason != attempt.ReasonManual {
		t.Errorf("got %+v", after)
	}
}

func TestOnlyAClaimIsNotClosed(t *testing.T) {
	t.Parallel()
	for _, state := range append([]attempt.State{""}, attempt.States...) {
		if want := state != "" && state != attempt.Claimed; state.Closed() != want {
			t.Errorf("%q is closed: %v", state, state.Closed())
		}
	}
	for _, class := range attempt.FailureClasses {
		if want := class == attempt.Permanent || class == attempt.Suppressed; class.Hard() != want {
			t.Errorf("%s is hard: %v", class, class.Hard())
		}
	}
}
