package port

import (
	"context"
	"time"

	"github.com/balsong/balsong/domain/policy"
)

// Policies stores policy versions.
type Policies interface {
	// Versions returns every ACTIVE and RETIRED version, for a snapshot.
	Versions(ctx context.Context) ([]policy.Version, error)
	// List returns every version, DRAFTs included, with who wrote and who activated it, sorted by reference.
	List(ctx context.Context) ([]PolicyRecord, error)
	// Draft stores a new DRAFT version of the policy family with the spec's name, which is made if there is none, and
	// returns it with its reference. It is audited (ActionDraftPolicy). ErrInvalid if the spec cannot work.
	Draft(ctx context.Context, spec policy.Spec, by Act) (policy.Version, error)
	// Activate makes a DRAFT version the ACTIVE one and retires the one before, in one transaction. The act's approver
	// stands in the version's record, the act itself in Audit (ActionActivatePolicy). ErrNotFound; policy.ErrTransition
	// if the version is not a DRAFT.
	Activate(ctx context.Context, ref policy.Ref, by Act) error
}

// PolicyRecord is a policy version with its history.
type PolicyRecord struct {
	Version    policy.Version
	CreatedBy  Act       // who drafted it
	ApprovedBy Act       // who let it go live: today whoever activates it; the zero Act for a DRAFT
	RetiredAt  time.Time // zero while it is a DRAFT or ACTIVE
}
