package killtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/balsong/balsong/application/deliver"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
	"github.com/balsong/balsong/domain/report"
)

// Guard is a rule of the protocol that a run can leave out, to show that the checker notices.
type Guard string

// The guards.
const (
	AllGuards   Guard = ""
	GuardClaim  Guard = "claim"   // a delivery key is claimed once (R3)
	GuardToken  Guard = "token"   // only the claim's owner closes it without a success (R5)
	GuardRevoke Guard = "revoke"  // a target ends only if its key could be revoked (R6)
	GuardSendBy Guard = "send-by" // no call later than the lease allows (R4)

	GuardDefinitive Guard = "definitive" // only a definitive report takes an acceptance back (R11)
)

// ParseGuard reads a guard's name.
func ParseGuard(name string) (Guard, error) {
	switch g := Guard(name); g {
	case AllGuards, GuardClaim, GuardToken, GuardRevoke, GuardSendBy, GuardDefinitive:
		return g, nil
	default:
		return "", fmt.Errorf("no such guard: %q (want claim, token, revoke, send-by or definitive)", name)
	}
}

// ledgerWithout leaves a guard of the ledger out.
func ledgerWithout(guard Guard, ledger port.Ledger, lease func(provider string) time.Duration) port.Ledger {
	switch guard {
	case GuardClaim:
		return everyClaim{ledger}
	case GuardToken:
		return &anyToken{Ledger: ledger, tokens: map[key.Delivery]attempt.Token{}}
	case GuardSendBy:
		return trueLease{ledger, lease}
	default:
		return ledger
	}
}

// everyClaim tells each claimant that it has claimed the key.
type everyClaim struct{ port.Ledger }

func (l everyClaim) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	_, err := l.Ledger.Claim(ctx, claims)
	keys := make([]key.Delivery, len(claims))
	for i, c := range claims {
		keys[i] = c.Key
	}
	return keys, err
}

// anyToken takes every process for the owner of a claim: rows are shown with the token of the process that asks, and its
// outcomes are written under the row's token.
type anyToken struct {
	port.Ledger
	mu     sync.Mutex
	tokens map[key.Delivery]attempt.Token // the last that this process claimed with
}

func (l *anyToken) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	l.mu.Lock()
	for _, c := range claims {
		l.tokens[c.Key] = c.Token
	}
	l.mu.Unlock()
	return l.Ledger.Claim(ctx, claims)
}

func (l *anyToken) Find(ctx context.Context, keys []key.Delivery) ([]attempt.Row, error) {
	rows, err := l.Ledger.Find(ctx, keys)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range rows {
		if token, ok := l.tokens[rows[i].Key]; ok && rows[i].State == attempt.Claimed {
			rows[i].Owner = token
		}
	}
	return rows, err
}

func (l *anyToken) Record(ctx context.Context, outcomes []attempt.Outcome) ([]key.Delivery, error) {
	keys := make([]key.Delivery, len(outcomes))
	for i, o := range outcomes {
		keys[i] = o.Key
	}
	rows, err := l.Ledger.Find(ctx, keys)
	if err != nil {
		return nil, err
	}
	owners := map[key.Delivery]attempt.Token{}
	for _, row := range rows {
		owners[row.Key] = row.Owner
	}
	forged := make([]attempt.Outcome, len(outcomes))
	for i, o := range outcomes {
		forged[i] = o
		forged[i].Token = owners[o.Key]
	}
	return l.Ledger.Record(ctx, forged)
}

// endlessLease is what patientLanes says of every provider, so that send-by never comes.
const endlessLease = 24 * time.Hour

// patientLanes give every provider a lease so long that no call is ever too late; trueLease gives the ledger the real one.
func patientLanes(lanes core.Lanes) core.Lanes {
	patient := core.Lanes{}
	for kind, lane := range lanes {
		for _, p := range lane {
			patient[kind] = append(patient[kind], deliver.Provider{Gateway: patientGateway{p.Gateway}, Permits: p.Permits, Weight: p.Weight})
		}
	}
	return patient
}

type patientGateway struct{ port.Gateway }

func (g patientGateway) Provider() port.Provider {
	p := g.Gateway.Provider()
	p.Lease = endlessLease
	return p
}

type trueLease struct {
	port.Ledger
	lease func(provider string) time.Duration
}

func (l trueLease) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	claims = append([]attempt.Claim(nil), claims...)
	for i := range claims {
		claims[i].Lease = l.lease(claims[i].Provider)
	}
	return l.Ledger.Claim(ctx, claims)
}

// stalling holds each n-th bulk of claims for a while after it was committed, as a stopped process or a slow disk does.
type stalling struct {
	port.Ledger
	every int
	pause time.Duration
	tell  func(keys []string)
	mu    sync.Mutex
	n     int
}

func (l *stalling) Claim(ctx context.Context, claims []attempt.Claim) ([]key.Delivery, error) {
	mine, err := l.Ledger.Claim(ctx, claims)
	l.mu.Lock()
	l.n++
	stall := l.n%l.every == 0
	l.mu.Unlock()
	if stall && err == nil && len(mine) > 0 {
		keys := make([]string, len(mine))
		for i, k := range mine {
			keys[i] = k.String()
		}
		l.tell(keys)
		timer := time.NewTimer(l.pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return mine, err
}

// targetsWithout leaves a guard of the targets out.
func targetsWithout(guard Guard, targets port.Targets) port.Targets {
	switch guard {
	case GuardRevoke:
		return unguardedTargets{targets, func(tx port.TargetTx) port.TargetTx { return everyRevoke{tx} }}
	case GuardDefinitive:
		return unguardedTargets{targets, func(tx port.TargetTx) port.TargetTx { return everyWord{tx} }}
	default:
		return targets
	}
}

type unguardedTargets struct {
	port.Targets
	without func(port.TargetTx) port.TargetTx
}

func (u unguardedTargets) Within(ctx context.Context, fn func(ctx context.Context, tx port.TargetTx) error) error {
	return u.Targets.Within(ctx, func(ctx context.Context, tx port.TargetTx) error { return fn(ctx, u.without(tx)) })
}

// everyWord takes each report for the provider's last word.
type everyWord struct{ port.TargetTx }

func (t everyWord) Reports(ctx context.Context, keys []key.Target) (map[key.Target][]report.Report, error) {
	reports, err := t.TargetTx.Reports(ctx, keys)
	for _, about := range reports {
		for i := range about {
			about[i].Definitive = true
		}
	}
	return reports, err
}

// everyRevoke reports each key as revoked, even one for which a call is under way.
type everyRevoke struct{ port.TargetTx }

func (t everyRevoke) Revoke(ctx context.Context, revocations []attempt.Revocation) ([]key.Delivery, error) {
	_, err := t.TargetTx.Revoke(ctx, revocations)
	keys := make([]key.Delivery, len(revocations))
	for i, r := range revocations {
		keys[i] = r.Key
	}
	return keys, err
}
