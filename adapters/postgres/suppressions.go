package postgres

import (
	"context"
	"maps"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/policy"
)

// Suppressions stores the suppression list.
type Suppressions struct{ db pool }

var _ port.Suppressions = Suppressions{}

// NewSuppressions returns the suppression list of a database.
func NewSuppressions(db *sqlx.DB) Suppressions { return Suppressions{newPool(db)} }

func contactArgs(contacts []port.Contact) []any {
	sorted := slices.Compact(slices.SortedFunc(slices.Values(contacts), port.Contact.Compare))
	return []any{
		bigints(each(sorted, func(c *port.Contact) int64 { return c.UserID })),
		texts(each(sorted, func(c *port.Contact) string { return string(c.Channel) })),
	}
}

const suppressedSQL = `/* suppressed */ SELECT DISTINCT v.user_id, v.channel, v.class
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v(user_id, channel, class)
JOIN suppressions s ON s.user_id = v.user_id AND s.channel = v.channel AND (s.scope = 'all' OR v.class = 'ADVERTISING')`

// Suppressed implements port.Suppressions.
func (p Suppressions) Suppressed(ctx context.Context, uses []port.Use) ([]port.Use, error) {
	if len(uses) == 0 {
		return nil, ctx.Err()
	}
	args := []any{
		bigints(each(uses, func(u *port.Use) int64 { return u.UserID })),
		texts(each(uses, func(u *port.Use) string { return string(u.Channel) })),
		texts(each(uses, func(u *port.Use) string { return string(u.Class) })),
	}
	var found []port.Use
	err := read(ctx, p.db, "look up suppressions", func(ctx context.Context, s *session) error {
		return s.query(ctx, "look up suppressions", suppressedSQL, args, func(scan func(...any) error) error {
			var u port.Use
			err := scan(&u.UserID, &u.Channel, &u.Class)
			found = append(found, u)
			return err
		})
	})
	return found, err
}

const suppressSQL = `/* suppress */ INSERT INTO suppressions AS s (user_id, channel, reason, scope)
SELECT v.user_id, v.channel, coalesce(v.reason, ''), v.scope FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS v(user_id, channel, reason, scope)
ON CONFLICT (user_id, channel) DO UPDATE SET scope = excluded.scope, reason = excluded.reason, created_at = excluded.created_at
  WHERE s.scope = 'advertising' AND excluded.scope = 'all'
RETURNING user_id, channel`

// Suppress implements port.Suppressions.
func (p Suppressions) Suppress(ctx context.Context, scope policy.Scope, contacts []port.Contact, by port.Act) error {
	sorted := slices.Compact(slices.SortedFunc(slices.Values(contacts), port.Contact.Compare))
	return write(ctx, p.db, "suppress", func(ctx context.Context, s *session) error {
		entries, err := s.suppress(ctx, "suppress", each(sorted, func(c *port.Contact) suppression { return suppression{*c, scope, by} }))
		if err != nil {
			return err
		}
		return s.audit(ctx, entries...)
	})
}

// suppression is an entry of the suppression list that an act asks for.
type suppression struct {
	contact port.Contact
	scope   policy.Scope
	by      port.Act
}

// suppress adds or widens entries, which are sorted and of a contact each. It returns what is to be audited: an entry for each that it
// changed, in their order.
func (s *session) suppress(ctx context.Context, what string, asked []suppression) (entries []port.AuditEntry, err error) {
	if len(asked) == 0 {
		return nil, nil
	}
	args := []any{
		bigints(each(asked, func(a *suppression) int64 { return a.contact.UserID })),
		texts(each(asked, func(a *suppression) string { return string(a.contact.Channel) })),
		texts(each(asked, func(a *suppression) string { return clean(a.by.Reason) })),
		texts(each(asked, func(a *suppression) string { return string(a.scope) })),
	}
	changed, err := s.contacts(ctx, what, suppressSQL, args)
	if err != nil {
		return nil, err
	}
	for _, a := range asked {
		if changed[a.contact] {
			entries = append(entries, port.AuditEntry{Action: port.SuppressAction(a.scope), Subject: a.contact.Subject(), By: a.by})
		}
	}
	return entries, nil
}

// contacts runs a statement that returns the contacts that it changed.
func (s *session) contacts(ctx context.Context, what, statement string, args []any) (map[port.Contact]bool, error) {
	changed := map[port.Contact]bool{}
	err := s.query(ctx, what, statement, args, func(scan func(...any) error) error {
		var c port.Contact
		err := scan(&c.UserID, &c.Channel)
		changed[c] = true
		return err
	})
	return changed, err
}

const liftSQL = `/* lift */ DELETE FROM suppressions s USING unnest($1::bigint[], $2::text[]) AS v(user_id, channel)
WHERE s.user_id = v.user_id AND s.channel = v.channel
RETURNING s.user_id, s.channel`

// Lift implements port.Suppressions.
func (p Suppressions) Lift(ctx context.Context, contacts []port.Contact, by port.Act) error {
	const what = "lift suppressions"
	return write(ctx, p.db, what, func(ctx context.Context, s *session) error {
		lifted, err := s.contacts(ctx, what, liftSQL, contactArgs(contacts))
		if err != nil {
			return err
		}
		var entries []port.AuditEntry
		for _, c := range slices.SortedFunc(maps.Keys(lifted), port.Contact.Compare) {
			entries = append(entries, port.AuditEntry{Action: port.ActionUnsuppress, Subject: c.Subject(), By: by})
		}
		return s.audit(ctx, entries...)
	})
}

// The condition is that of port.SuppressionFilter.Chooses; the conformance suite compares the two.
const listSuppressionsSQL = `/* list_suppressions */ SELECT s.user_id, s.channel, s.scope, s.reason, s.created_at FROM suppressions s
WHERE ($1::bigint = 0 OR s.user_id = $1::bigint) AND ($2 = '' OR s.channel = $2) AND ($3 = '' OR s.scope = $3)
  AND (s.user_id, s.channel) > ($4::bigint, $5)
ORDER BY s.user_id, s.channel LIMIT $6::int`

// List implements port.Suppressions.
func (p Suppressions) List(ctx context.Context, filter port.SuppressionFilter) (entries []port.Suppression, err error) {
	args := []any{filter.UserID, string(filter.Channel), string(filter.Scope), filter.After.UserID, string(filter.After.Channel), filter.Limit}
	err = read(ctx, p.db, "list the suppressions", func(ctx context.Context, s *session) error {
		entries = nil
		return s.query(ctx, "list the suppressions", listSuppressionsSQL, args, func(scan func(...any) error) error {
			var entry port.Suppression
			err := scan(&entry.UserID, &entry.Channel, &entry.Scope, &entry.Reason, utc(&entry.Since))
			entries = append(entries, entry)
			return err
		})
	})
	return entries, err
}

// Count implements port.Suppressions.
func (p Suppressions) Count(ctx context.Context) (n int, err error) {
	err = read(ctx, p.db, "count the suppressions", func(ctx context.Context, s *session) error {
		return s.one(ctx, "count the suppressions", `/* count_suppressions */ SELECT count(*) FROM suppressions s`, nil, &n)
	})
	return n, err
}
