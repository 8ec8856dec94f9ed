package postgres

import (
	"context"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Policies stores policy versions.
type Policies struct{ db pool }

var _ port.Policies = Policies{}

// NewPolicies returns the policies of a database.
func NewPolicies(db *sqlx.DB) Policies { return Policies{newPool(db)} }

const versionColumns = `v.policy_id, v.version, v.status, v.spec`

func readVersion(scan func(...any) error) (policy.Version, error) {
	var ref policy.Ref
	var status policy.Status
	var encoded []byte
	if err := scan(&ref.ID, &ref.Version, &status, &encoded); err != nil {
		return policy.Version{}, err
	}
	spec, err := decodeSpec(encoded)
	if err != nil {
		return policy.Version{}, fmt.Errorf("policy %s: %w", ref, err)
	}
	return policy.Restore(ref, status, spec)
}

const versionsSQL = `/* versions */ SELECT ` + versionColumns + ` FROM policy_versions v WHERE v.status <> 'DRAFT' ORDER BY v.policy_id, v.version`

// Versions implements port.Policies.
func (p Policies) Versions(ctx context.Context) ([]policy.Version, error) {
	var versions []policy.Version
	err := read(ctx, p.db, "read the policies", func(ctx context.Context, s *session) error {
		return s.query(ctx, "read the policies", versionsSQL, nil, func(scan func(...any) error) error {
			version, err := readVersion(scan)
			versions = append(versions, version)
			return err
		})
	})
	return versions, err
}

const policyListSQL = `/* policy_list */ SELECT ` + versionColumns + `, v.created_by, v.created_reason, v.created_at,
  v.approved_by, v.approved_reason, v.approved_at, v.retired_at
FROM policy_versions v ORDER BY v.policy_id, v.version`

// List implements port.Policies.
func (p Policies) List(ctx context.Context) ([]port.PolicyRecord, error) {
	const what = "list the policies"
	var records []port.PolicyRecord
	err := read(ctx, p.db, what, func(ctx context.Context, s *session) error {
		return s.query(ctx, what, policyListSQL, nil, func(scan func(...any) error) (err error) {
			var r port.PolicyRecord
			r.Version, err = readVersion(func(version ...any) error {
				return scan(append(version, &r.CreatedBy.Actor, &r.CreatedBy.Reason, utc(&r.CreatedBy.At),
					optional(&r.ApprovedBy.Actor), optional(&r.ApprovedBy.Reason), utc(&r.ApprovedBy.At), utc(&r.RetiredAt))...)
			})
			records = append(records, r)
			return err
		})
	})
	return records, err
}

const nextVersionSQL = `/* next_version */ SELECT p.id, coalesce((SELECT max(v.version) FROM policy_versions v WHERE v.policy_id = p.id), 0) + 1
FROM policies p WHERE p.name = $1`

const insertVersionSQL = `/* insert_version */ INSERT INTO policy_versions (policy_id, version, status, spec, created_by, created_reason, created_at)
VALUES ($1, $2, 'DRAFT', $3::jsonb, $4, $5, coalesce($6::timestamptz, clock_timestamp()))`

// Draft implements port.Policies.
func (p Policies) Draft(ctx context.Context, spec policy.Spec, by port.Act) (policy.Version, error) {
	const what = "draft a policy"
	checked, err := policy.New(policy.Ref{ID: 1, Version: 1}, spec)
	if err != nil {
		return policy.Version{}, fmt.Errorf("%s: %w: %w", what, port.ErrInvalid, err)
	}
	encoded, err := encodeSpec(checked.Spec())
	if err != nil {
		return policy.Version{}, fmt.Errorf("%s: %w: %w", what, port.ErrInvalid, err)
	}
	var version policy.Version
	err = write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if err := s.serialize(ctx, what, lockPolicies); err != nil {
			return err
		}
		_, err := s.exec(ctx, what, `/* add_family */ INSERT INTO policies (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM policies p WHERE p.name = $1)`, spec.Name)
		if err != nil {
			return err
		}
		var ref policy.Ref
		if err := s.one(ctx, what, nextVersionSQL, []any{spec.Name}, &ref.ID, &ref.Version); err != nil {
			return err
		}
		if version, err = policy.New(ref, spec); err != nil {
			return err
		}
		_, err = s.exec(ctx, what, insertVersionSQL, ref.ID, ref.Version, string(encoded), clean(by.Actor), clean(by.Reason), instant(by.At))
		if err != nil {
			return err
		}
		return s.audit(ctx, port.AuditEntry{Action: port.ActionDraftPolicy, Subject: ref.String(), By: by})
	})
	return version, err
}

const versionSQL = `/* version */ SELECT ` + versionColumns + ` FROM policy_versions v
JOIN unnest($1::bigint[], $2::int[]) AS u(policy_id, version) ON v.policy_id = u.policy_id AND v.version = u.version`

// versionsOf reads those of some versions that there are.
func (s *session) versionsOf(ctx context.Context, what string, refs ...policy.Ref) (map[policy.Ref]policy.Version, error) {
	versions := map[policy.Ref]policy.Version{}
	args := []any{
		bigints(each(refs, func(r *policy.Ref) int64 { return r.ID })), integers(each(refs, func(r *policy.Ref) int32 { return r.Version })),
	}
	err := s.query(ctx, what, versionSQL, args, func(scan func(...any) error) error {
		version, err := readVersion(scan)
		if err == nil {
			versions[version.Ref()] = version
		}
		return err
	})
	return versions, err
}

const retireSQL = `/* retire */ UPDATE policy_versions SET status = 'RETIRED', retired_at = coalesce($1::timestamptz, clock_timestamp()) WHERE status = 'ACTIVE'`

const activateSQL = `/* activate */ UPDATE policy_versions SET status = 'ACTIVE', approved_by = $3, approved_reason = $4,
  approved_at = coalesce($5::timestamptz, clock_timestamp()) WHERE policy_id = $1 AND version = $2`

// Activate implements port.Policies. Its error wraps policy.ErrTransition if the version is not a draft.
func (p Policies) Activate(ctx context.Context, ref policy.Ref, by port.Act) error {
	const what = "activate a policy"
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		if err := s.serialize(ctx, what, lockPolicies); err != nil {
			return err
		}
		versions, err := s.versionsOf(ctx, what, ref)
		if err != nil {
			return err
		}
		version, found := versions[ref]
		if !found {
			return fmt.Errorf("%s: %w: there is no policy %s", what, port.ErrNotFound, ref)
		}
		if _, err := version.Activate(); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if _, err := s.exec(ctx, what, retireSQL, instant(by.At)); err != nil {
			return err
		}
		_, err = s.exec(ctx, what, activateSQL, ref.ID, ref.Version, clean(by.Approver().Actor), clean(by.Reason), instant(by.At))
		if err != nil {
			return err
		}
		return s.audit(ctx, port.AuditEntry{Action: port.ActionActivatePolicy, Subject: ref.String(), By: by})
	})
}
