package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
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

const suppressedSQL = `/* suppressed */ SELECT s.user_id, s.channel
FROM unnest($1::bigint[], $2::text[]) AS v(user_id, channel)
JOIN suppressions s ON s.user_id = v.user_id AND s.channel = v.channel`

// Suppressed implements port.Suppressions.
func (p Suppressions) Suppressed(ctx context.Context, contacts []port.Contact) ([]port.Contact, error) {
	if len(contacts) == 0 {
		return nil, ctx.Err()
	}
	var found []port.Contact
	err := read(ctx, p.db, "look up suppressions", func(ctx context.Context, s *session) error {
		return s.query(ctx, "look up suppressions", suppressedSQL, contactArgs(contacts), func(scan func(...any) error) error {
			var c port.Contact
			err := scan(&c.UserID, &c.Channel)
			found = append(found, c)
			return err
		})
	})
	return found, err
}

const suppressSQL = `/* suppress */ INSERT INTO suppressions (user_id, channel, reason)
SELECT v.user_id, v.channel, $3::text FROM unnest($1::bigint[], $2::text[]) AS v(user_id, channel)
ON CONFLICT (user_id, channel) DO NOTHING
RETURNING user_id, channel`

// Suppress implements port.Suppressions.
func (p Suppressions) Suppress(ctx context.Context, contacts []port.Contact, by port.Act) error {
	return write(ctx, p.db, "suppress", func(ctx context.Context, s *session) error {
		return s.changeContacts(ctx, suppressSQL, append(contactArgs(contacts), clean(by.Reason)), port.ActionSuppress, by)
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

const suppressionsOfSQL = `/* suppressions_of */ SELECT s.channel, s.reason, s.created_at FROM suppressions s WHERE s.user_id = $1`

// Of implements port.Suppressions.
func (p Suppressions) Of(ctx context.Context, userID int64) ([]port.Suppression, error) {
	var entries []port.Suppression
	err := read(ctx, p.db, "read a customer's suppressions", func(ctx context.Context, s *session) error {
		return s.query(ctx, "read a customer's suppressions", suppressionsOfSQL, []any{userID}, func(scan func(...any) error) error {
			entry := port.Suppression{Contact: port.Contact{UserID: userID}}
			err := scan(&entry.Channel, &entry.Reason, utc(&entry.Since))
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
