package porttest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Ledger runs the suite of port.Ledger.
func Ledger(t *testing.T, open OpenStorage) { Run(t, LedgerChecks(), open) }

// LedgerChecks are the promises of port.Ledger.
func LedgerChecks() []Check[Storage] {
	return append([]Check[Storage]{
		onStage("claims a key without a row, with a lease by the database's clock", ledgerClaim),
		onStage("returns a claim again to its token while the lease lives", ledgerClaimAgain),
		onStage("names the provider of a claim's last call, for its token alone", ledgerClaimProvider),
		onStage("gives nothing to another token, the lease alive or not", ledgerClaimOther),
		onStage("gives nothing to its token once the lease has ended", ledgerClaimLate),
		onStage("gives nothing of a key that is closed", ledgerClaimClosed),
		onStage("decides about each key of a call on its own", ledgerClaimMixed),
		onStage("refuses a key that is named twice in a call", ledgerClaimTwice),
		onStage("lets one of many claims at once win", ledgerClaimRace),
		onStage("takes large claims in opposite orders at once", ledgerClaimBulk),
		onStage("lets either a claim or a closing win", ledgerClaimCloseRace),
		onStage("keeps rounds, attempts and months apart", ledgerKeysApart),
		onStage("stops when the context ends", ledgerContext),
	}, ledgerOutcomeChecks()...)
}

// Leases: one that ends while a check waits for it, and one that never does.
const (
	shortLease = time.Millisecond
	longLease  = time.Hour
)

func token(n byte) attempt.Token { return attempt.Token{n, 1, 2, 3} }

func facts() attempt.Facts {
	return attempt.Facts{Channel: channel.SMS, Step: 2, PolicyID: 7, PolicyVersion: 12, RunID: 1 << 40, Unknown: attempt.Resend}
}

func claim(k key.Delivery, by attempt.Token) attempt.Claim {
	return attempt.Claim{Key: k, Facts: facts(), Token: by, Provider: "sms-1", Lease: longLease}
}

func closing(k key.Delivery, state attempt.State) attempt.Closing {
	return attempt.Closing{Key: k, Facts: facts(), State: state, Reason: attempt.ReasonWindow, NotBefore: noon.Add(time.Hour), FinishedAt: noon}
}

func outcome(k key.Delivery, by attempt.Token, state attempt.State) attempt.Outcome {
	return attempt.Outcome{Key: k, Token: by, State: state, FinishedAt: noon}
}

// ledgerKey is the n-th key of a month; the ledger asks for no target.
func ledgerKey(n int) key.Delivery { return key.Delivery{Month: november, UserID: int64(n) + 1} }

func ledgerKeys(n int) []key.Delivery {
	keys := make([]key.Delivery, n)
	for i := range keys {
		keys[i] = ledgerKey(i)
	}
	return keys
}

func (s *stage) claim(claims ...attempt.Claim) []key.Delivery {
	s.Helper()
	return sorted(given(s.Ledger.Claim(s.ctx, claims))(s))
}

// claimed claims a key, which must be free.
func (s *stage) claimed(k key.Delivery, by attempt.Token) {
	s.Helper()
	keysAre(s, "claimed", s.claim(claim(k, by)), k)
}

func (s *stage) closed(closings ...attempt.Closing) []key.Delivery {
	s.Helper()
	return sorted(given(s.Ledger.Close(s.ctx, closings))(s))
}

func (s *stage) record(outcomes ...attempt.Outcome) []key.Delivery {
	s.Helper()
	return sorted(given(s.Ledger.Record(s.ctx, outcomes))(s))
}

// sorted is a copy of keys by key: no port promises an order of what a bulk statement returns.
func sorted(keys []key.Delivery) []key.Delivery {
	return slices.SortedFunc(slices.Values(keys), key.Delivery.Compare)
}

// leaseOver claims a key with a lease that ends, and waits until it has.
func (s *stage) leaseOver(k key.Delivery, by attempt.Token) {
	s.Helper()
	short := claim(k, by)
	short.Lease = shortLease
	keysAre(s, "claimed for a moment", s.claim(short), k)
	until := s.row(k).LeaseUntil
	for !s.now().After(until) {
		if err := s.ctx.Err(); err != nil {
			s.Fatalf("the database's clock stands still: %v", err)
		}
		s.Elapse(s, 2*shortLease)
	}
}

func ledgerClaim(s *stage) {
	k := ledgerKey(0)
	before := s.now()
	s.claimed(k, token(1))
	after := s.now()
	row := s.row(k)
	want := attempt.Row{Key: k, State: attempt.Claimed, Facts: facts(), Owner: token(1), Provider: "sms-1"}
	want.ClaimedAt, want.LeaseUntil, want.ChangedAt = row.ClaimedAt, row.LeaseUntil, row.ChangedAt
	if row != want {
		s.Errorf("the row is\n%+v, want\n%+v", row, want)
	}
	between := func(what string, at, from, to time.Time) {
		if at.Before(normal(from)) || at.After(normal(to)) {
			s.Errorf("%s is %s, want between %s and %s", what, at, from, to)
		}
	}
	between("claimed at", row.ClaimedAt, before, after)
	between("changed at", row.ChangedAt, before, after)
	between("the lease's end", row.LeaseUntil, before.Add(longLease), after.Add(longLease))
}

func ledgerClaimAgain(s *stage) {
	k := ledgerKey(0)
	s.claimed(k, token(1))
	first := s.row(k)
	for range 2 {
		keysAre(s, "claimed again by the same token", s.claim(claim(k, token(1))), k)
	}
	if again := s.row(k); again.State != attempt.Claimed || again.Owner != token(1) || again.LeaseUntil.Before(first.LeaseUntil) {
		s.Errorf("asking again changed the row from\n%+v to\n%+v", first, again)
	}
}

func ledgerClaimProvider(s *stage) {
	k := ledgerKey(0)
	of := func(by attempt.Token, provider string, earlier attempt.Earlier) attempt.Claim {
		c := claim(k, by)
		c.Provider, c.Earlier, c.Lease = provider, earlier, longLease
		return c
	}
	keysAre(s, "claimed", s.claim(of(token(1), "nhn", "")), k)
	first := s.row(k)
	second := of(token(1), "solapi", attempt.Earlier("").And("nhn", attempt.ReasonProvider))
	second.Lease = 2 * longLease
	keysAre(s, "claimed for another provider", s.claim(second), k)
	row := s.row(k)
	if row.Provider != "solapi" || row.Earlier != second.Earlier || !row.LeaseUntil.Equal(first.LeaseUntil) || !row.ClaimedAt.Equal(first.ClaimedAt) {
		s.Errorf("the row is %+v; another provider alone makes no lease longer", row)
	}
	keysAre(s, "claimed by another", s.claim(of(token(2), "twilio", "")))
	accepted := outcome(k, token(1), attempt.Succeeded)
	accepted.Provider = "solapi"
	keysAre(s, "recorded", s.record(accepted), k)
	if row := s.row(k); row.Provider != "solapi" || row.Earlier != second.Earlier {
		s.Errorf("after its outcome the row is %+v", row)
	}
}

func ledgerClaimOther(s *stage) {
	alive, over := ledgerKey(0), ledgerKey(1)
	s.claimed(alive, token(1))
	s.leaseOver(over, token(1))
	keysAre(s, "claimed by another token", s.claim(claim(alive, token(2)), claim(over, token(2))))
	for _, k := range []key.Delivery{alive, over} {
		if row := s.row(k); row.Owner != token(1) || row.State != attempt.Claimed {
			s.Errorf("%s is %s of %v now", k, row.State, row.Owner)
		}
	}
}

func ledgerClaimLate(s *stage) {
	k := ledgerKey(0)
	s.leaseOver(k, token(1))
	before := s.row(k)
	keysAre(s, "claimed after the lease", s.claim(claim(k, token(1))))
	if after := s.row(k); after != before {
		s.Errorf("the late claim changed the row from\n%+v to\n%+v", before, after)
	}
}

func ledgerClaimClosed(s *stage) {
	states := []attempt.State{attempt.Unknown, attempt.Succeeded, attempt.Failed, attempt.NotSent, attempt.Revoked}
	for i, state := range states {
		k := ledgerKey(i)
		s.bring(k, state)
		for _, by := range []attempt.Token{token(1), token(2)} {
			if mine := s.claim(claim(k, by)); len(mine) != 0 {
				s.Errorf("a key that is %s was claimed by %v", state, by)
			}
		}
		if got := s.row(k).State; got != state {
			s.Errorf("claiming made the row %s of %s", got, state)
		}
	}
}

// bring brings a key without a row to a state, by token 1 where it was claimed on the way.
func (s *stage) bring(k key.Delivery, state attempt.State) {
	s.Helper()
	if state == attempt.Revoked {
		keysAre(s, "revoked", s.revoke(k), k)
		return
	}
	s.claimed(k, token(1))
	if state != attempt.Claimed {
		keysAre(s, "recorded", s.record(outcome(k, token(1), state)), k)
	}
}

func ledgerClaimMixed(s *stage) {
	keys := ledgerKeys(5)
	s.claimed(keys[1], token(1))
	s.claimed(keys[2], token(2))
	s.bring(keys[3], attempt.Succeeded)
	var claims []attempt.Claim
	for _, i := range []int{4, 2, 0, 3, 1} {
		claims = append(claims, claim(keys[i], token(1)))
	}
	keysAre(s, "claimed", s.claim(claims...), keys[0], keys[1], keys[4])
	keysAre(s, "claimed of nothing", s.claim())
}

func ledgerClaimTwice(s *stage) {
	k := ledgerKey(0)
	mine, err := s.Ledger.Claim(s.ctx, []attempt.Claim{claim(k, token(1)), claim(ledgerKey(1), token(1)), claim(k, token(2))})
	if !errors.Is(err, port.ErrInvalid) || len(mine) != 0 {
		s.Errorf("claiming one key by two tokens: %v, %v; want ErrInvalid", mine, err)
	}
	if row := s.row(ledgerKey(1)); row.State != "" {
		s.Errorf("a part of the call was done: %s is %s", row.Key, row.State)
	}
}

func ledgerClaimRace(s *stage) {
	keys := ledgerKeys(5)
	var wins [5]atomic.Int32
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range 20 {
		done.Go(func() {
			start.Wait()
			var claims []attempt.Claim
			for _, k := range keys {
				claims = append(claims, claim(k, token(byte(i+1))))
			}
			mine, err := s.Ledger.Claim(s.ctx, claims)
			if err != nil {
				s.Errorf("claim %d: %v", i, err)
			}
			for _, k := range mine {
				wins[slices.Index(keys, k)].Add(1)
				if row := s.row(k); row.Owner != token(byte(i+1)) {
					s.Errorf("claim %d was told that %s is its own, the row names %v", i, k, row.Owner)
				}
			}
		})
	}
	start.Done()
	done.Wait()
	for i, k := range keys {
		if n := wins[i].Load(); n != 1 {
			s.Errorf("%s was won by %d of 20 claims", k, n)
		}
	}
}

func ledgerClaimBulk(s *stage) {
	keys := ledgerKeys(500)
	wins := make([][]key.Delivery, 2)
	var done sync.WaitGroup
	for i := range wins {
		done.Go(func() {
			claims := make([]attempt.Claim, len(keys))
			for j, k := range keys {
				claims[j] = claim(k, token(byte(i+1)))
			}
			if i == 1 {
				slices.Reverse(claims)
			}
			mine, err := s.Ledger.Claim(s.ctx, claims)
			if err != nil {
				s.Errorf("claim %d: %v", i, err)
			}
			wins[i] = mine
		})
	}
	done.Wait()
	all := sorted(slices.Concat(wins...))
	keysAre(s, "won by either", all, keys...)
}

func ledgerClaimCloseRace(s *stage) {
	keys := ledgerKeys(100)
	var mine, closed []key.Delivery
	wait := async(func() {
		claims := make([]attempt.Claim, len(keys))
		for i, k := range keys {
			claims[i] = claim(k, token(1))
		}
		var err error
		if mine, err = s.Ledger.Claim(s.ctx, claims); err != nil {
			s.Errorf("Claim: %v", err)
		}
	})
	for part := range slices.Chunk(keys, 10) {
		closings := make([]attempt.Closing, len(part))
		for i, k := range part {
			closings[i] = closing(k, attempt.NotSent)
		}
		got, err := s.Ledger.Close(s.ctx, closings)
		if err != nil {
			s.Errorf("Close: %v", err)
		}
		closed = append(closed, got...)
	}
	wait()
	keysAre(s, "claimed or closed", sorted(slices.Concat(mine, closed)), keys...)
	for _, k := range mine {
		if got := s.row(k).State; got != attempt.Claimed {
			s.Errorf("%s was claimed and is %s", k, got)
		}
	}
}

func ledgerKeysApart(s *stage) {
	keys := []key.Delivery{
		{Month: november, UserID: 1},
		{Month: november, UserID: 1, Round: 1},
		{Month: november, UserID: 1, Attempt: 1},
		{Month: november, UserID: 2},
		{Month: december, UserID: 1},
		{Month: december, UserID: 1 << 40, Attempt: 32767, Round: 32767},
	}
	slices.SortFunc(keys, key.Delivery.Compare)
	for i, k := range keys {
		s.claimed(k, token(byte(i+1)))
	}
	rows := given(s.Ledger.Find(s.ctx, keys))(s)
	for i, row := range rows {
		if row.Key != keys[i] || row.Owner != token(byte(i+1)) {
			s.Errorf("row %d is %s of %v", i, row.Key, row.Owner)
		}
	}
	if len(rows) != len(keys) {
		s.Errorf("%d rows, want %d", len(rows), len(keys))
	}
}

func ledgerContext(s *stage) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	k := ledgerKey(0)
	_, claimErr := s.Ledger.Claim(ctx, []attempt.Claim{claim(k, token(1))})
	_, closeErr := s.Ledger.Close(ctx, []attempt.Closing{closing(k, attempt.NotSent)})
	_, recordErr := s.Ledger.Record(ctx, []attempt.Outcome{outcome(k, token(1), attempt.Succeeded)})
	_, findErr := s.Ledger.Find(ctx, []key.Delivery{k})
	for name, err := range map[string]error{"Claim": claimErr, "Close": closeErr, "Record": recordErr, "Find": findErr} {
		if !errors.Is(err, context.Canceled) {
			s.Errorf("%s with a context that had ended: %v", name, err)
		}
	}
	if row := s.row(k); row.State != "" {
		s.Errorf("the key has a row that is %s", row.State)
	}
}
