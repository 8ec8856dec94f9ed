package postgres

import (
	"context"
	"encoding/hex"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/domain/key"
)

// KeyUse is how many stored ciphertexts of a month one key has sealed.
type KeyUse struct {
	Month       key.Month
	KeyID       uint32
	Ciphertexts int
}

// usagePage is the number of rows that one statement reads.
const usagePage = 20_000

// keyUsageSQL counts the ciphertexts of a page by the key id that stands at the front of each (adapters/crypto).
var keyUsageSQL = `/* key_usage */ WITH page AS (
  SELECT d.user_id, d.data, d.statement, ` + destinations("d.") + ` FROM billing_data d
  WHERE d.billing_month = $1::date AND d.user_id > $2::bigint ORDER BY d.user_id LIMIT $3::int)
SELECT encode(substring(c.sealed FROM 2 FOR 4), 'hex'), count(*), (SELECT max(p.user_id) FROM page p)
FROM page, LATERAL (VALUES (page.data), (page.statement), ` + eachChannel(func(_ int, column string) string { return "(page." + column + ")" }) + `) AS c (sealed)
WHERE c.sealed IS NOT NULL GROUP BY 1 ORDER BY 1`

// KeyUsage counts the stored ciphertexts of the months, by the key that sealed them. It reads every row: seconds for a
// million. ErrUnavailable.
func KeyUsage(ctx context.Context, db *sqlx.DB, months []key.Month) (uses []KeyUse, err error) {
	pool := newPool(db)
	for _, month := range months {
		counts, order := map[uint32]int{}, []uint32(nil)
		for last := int64(-1); ; {
			more := false
			err = read(ctx, pool, "count ciphertexts by key", func(ctx context.Context, s *session) error {
				return s.query(ctx, "count ciphertexts by key", keyUsageSQL, []any{day(month), last, usagePage}, func(scan func(...any) error) error {
					var id string
					var n int
					if err := scan(&id, &n, &last); err != nil {
						return err
					}
					number := keyNumber(id)
					if counts[number] == 0 {
						order = append(order, number)
					}
					counts[number] += n
					more = true
					return nil
				})
			})
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
		}
		for _, id := range order {
			uses = append(uses, KeyUse{Month: month, KeyID: id, Ciphertexts: counts[id]})
		}
	}
	return uses, nil
}

// keyNumber reads a key id: four bytes in hex, big endian.
func keyNumber(text string) (id uint32) {
	raw, _ := hex.DecodeString(text) // the database has written it
	for _, b := range raw {
		id = id<<8 | uint32(b)
	}
	return id
}
