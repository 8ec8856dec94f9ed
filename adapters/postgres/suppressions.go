package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/policy"
)

// Suppressions stores the suppression list.
type Suppressions struct{ db pool }

var _ port.Suppressions = Suppressions{}

// NewSuppressions returns the suppression list of a database.
func NewSuppressions(db *sqlx.DB) Suppressions { return Suppressions{newPool(db)} }

func contactArgs(contacts []port.Contact) []any {
	sorted := slices.SortedFunc(slices.Values(contacts), func(a, b port.Contact) int {
		return cmp.Or(cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Channel, b.Channel))
	})
	sorted = slices.Compact(sorted)
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
SELECT v.user_id, v.channel, $3::text, $4::text FROM unnest($1::bigint[], $2::text[]) AS v(user_id, channel)
ON CONFLICT (user_id, channel) DO UPDATE SET scope = excluded.scope, reason = excluded.reason, created_at = excluded.created_at
  WHERE s.scope = 'advertising' AND excluded.scope = 'all'
RETURNING user_id, channel`

// Suppress implements port.Suppressions.
func (p Suppressions) Suppress(ctx context.Context, scope policy.Scope, contacts []port.Contact, by port.Act) error {
	return write(ctx, p.db, "suppress", func(ctx context.Context, s *session) error {
		return s.changeContacts(ctx, suppressSQL, append(contactArgs(contacts), clean(by.Reason), string(scope)), port.SuppressAction(scope), by)
	})
}

// changeContacts runs a statement that returns the contacts that it changed, and audits each.
func (s *session) changeContacts(ctx context.Context, statement string, args []any, action port.Action, by port.Act) error {
	var changed []port.Contact
	err := s.query(ctx, string(action), statement, args, func(scan func(...any) error) error {
		var c port.Contact
		err := scan(&c.UserID, &c.Channel)
		changed = append(changed, c)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range changed {
		if err := s.audit(ctx, port.AuditEntry{Action: action, Subject: c.Subject(), By: by}); err != nil {
			return err
		}
	}
	return nil
}

const liftSQL = `/* lift */ DELETE FROM suppressions s USING unnest($1::bigint[], $2::text[]) AS v(user_id, channel)
WHERE s.user_id = v.user_id AND s.channel = v.channel
RETURNING s.user_id, s.channel`

// Lift implements port.Suppressions.
func (p Suppressions) Lift(ctx context.Context, contacts []port.Contact, by port.Act) error {
	return write(ctx, p.db, "lift suppressions", func(ctx context.Context, s *session) error {
		return s.changeContacts(ctx, liftSQL, contactArgs(contacts), port.ActionUnsuppress, by)
	})
}

const suppressionsOfSQL = `/* suppressions_of */ SELECT s.channel, s.scope, s.reason, s.created_at FROM suppressions s WHERE s.user_id = $1`

// Of implements port.Suppressions.
func (p Suppressions) Of(ctx context.Context, userID int64) ([]port.Suppression, error) {
	var entries []port.Suppression
	err := read(ctx, p.db, "read a customer's suppressions", func(ctx context.Context, s *session) error {
		return s.query(ctx, "read a customer's suppressions", suppressionsOfSQL, []any{userID}, func(scan func(...any) error) error {
			entry := port.Suppression{Contact: port.Contact{UserID: userID}}
			err := scan(&entry.Channel, &entry.Scope, &entry.Reason, utc(&entry.Since))
			entries = append(entries, entry)
			return err
		})
	})
	slices.SortFunc(entries, func(a, b port.Suppression) int {
		return cmp.Compare(slices.Index(channel.All, a.Channel), slices.Index(channel.All, b.Channel))
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
