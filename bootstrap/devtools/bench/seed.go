package bench

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// perPack is how many statements the renderer puts into a pack.
const perPack = 1000

// seeding makes a month's rows as import and render leave them, without the work of importing and rendering.
type seeding struct {
	*stage
	month      key.Month
	rows       int
	statements int // bytes of each statement's text; 0: references that lead nowhere, for a dispatcher
	at         time.Time
	quiet      [2]string // a window of the customer's own that is not now
}

// seed seeds a month; statementBytes as seeding.statements.
func (s *stage) seed(ctx context.Context, month key.Month, rows, statementBytes int) error {
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return err
	}
	now := time.Now().In(zone)
	seeding := seeding{
		stage: s, month: month, rows: rows, statements: statementBytes, at: now.Add(-time.Minute),
		quiet: [2]string{now.Add(8 * time.Hour).Format("15:04"), now.Add(16 * time.Hour).Format("15:04")},
	}
	if err := s.months.Open(ctx, month); err != nil {
		return err
	}
	if err := seeding.customers(ctx); err != nil {
		return err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // one waits for the database or S3 while the others encrypt
	for first := 1; first <= rows; first += perPack {
		group.Go(func() error { return seeding.pack(within, first, min(first+perPack, rows+1)) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return s.batch.Imports.Analyze(ctx, month) // as the import does
}

// customers numbers as many customers as there are rows, 1 to rows.
func (s seeding) customers(ctx context.Context) error {
	return inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO customers (user_id, customer) OVERRIDING SYSTEM VALUE
			SELECT n, 'BENCH-' || lpad(n::text, 9, '0') FROM generate_series(1, $1::bigint) AS n ON CONFLICT DO NOTHING`, s.rows)
		return err
	})
}

// row is one customer's month, sealed.
type row struct {
	user                             int64
	email, sms, statement, data, sum []byte
}

// pack seals the rows of one pack, writes it, and copies the rows in.
func (s seeding) pack(ctx context.Context, from, to int) error {
	random := rand.New(rand.NewPCG(uint64(s.month), uint64(from))) //nolint:gosec // reproducible, not secret
	rows := make([]row, 0, to-from)
	entries := make([][]byte, 0, to-from)
	for user := int64(from); user < int64(to); user++ {
		r, err := s.seal(user, random)
		if err != nil {
			return err
		}
		rows = append(rows, r)
		if s.statements > 0 {
			entry, err := s.statement(key.Target{Month: s.month, UserID: user}, random)
			if err != nil {
				return err
			}
			entries = append(entries, entry)
		}
	}
	if err := s.store(ctx, rows, entries, random); err != nil {
		return err
	}
	return s.copyIn(ctx, rows)
}

func (s seeding) seal(user int64, random *rand.Rand) (r row, err error) {
	target := key.Target{Month: s.month, UserID: user}
	seal := func(plain []byte, purpose port.Purpose) []byte {
		if err != nil {
			return nil
		}
		var sealed []byte
		sealed, err = s.batch.Cipher.Seal(plain, purpose)
		return sealed
	}
	r.user = user
	r.email = seal(fmt.Appendf(nil, "customer.%09d@example.com", user), port.Purpose{Kind: port.KindDestination, Target: target, Channel: channel.Email})
	r.sms = seal(fmt.Appendf(nil, "+82105550%05d", user%100_000), port.Purpose{Kind: port.KindDestination, Target: target, Channel: channel.SMS})
	r.data = seal(letters(random, 600), port.Purpose{Kind: port.KindBillingData, Target: target})
	sum := sha256.Sum256(r.data)
	r.sum = sum[:]
	return r, err
}

// statement is a text of its own for every channel, sealed as the renderer does: an LMS as long as an LMS may be, the
// rest an e-mail's HTML and plain text.
func (s seeding) statement(target key.Target, random *rand.Rand) ([]byte, error) {
	text := calls
	if s.randomText {
		text = letters
	}
	lms := min(s.statements, rendering.MaxLMS)
	html := (s.statements - lms) * 3 / 4
	return statement.Seal(port.Statement{Target: target, Variants: map[channel.Kind]port.Variant{
		channel.SMS:   {Text: string(text(random, lms)), Title: "Your bill", Class: rendering.ClassLMS},
		channel.Email: {Subject: "Your bill", HTML: string(text(random, html)), Text: string(text(random, s.statements-lms-html))},
	}}, s.batch.Cipher)
}

// calls is an itemised bill of n bytes.
func calls(random *rand.Rand, n int) []byte {
	lines := callLines()
	text := make([]byte, 0, n+len(lines[0]))
	for len(text) < n {
		text = append(text, lines[random.IntN(len(lines))]...)
	}
	return text[:n]
}

// callLines are the lines that bills are made of: each another call, with what differs from line to line on a real bill.
// Statements are compressed one by one, so that it does not matter that two of them may have a line in common.
var callLines = sync.OnceValue(func() []string {
	random := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // reproducible, not secret
	kinds := [...]string{"call", "call", "call abroad", "message", "data", "roaming data"}
	lines := make([]string, 1<<15)
	for i := range lines {
		lines[i] = fmt.Sprintf("2026-10-%02d %02d:%02d  %-12s 010-0000-%04d  %3d:%02d  KRW %6d\n",
			1+random.IntN(31), random.IntN(24), random.IntN(60), kinds[random.IntN(len(kinds))],
			random.IntN(10_000), random.IntN(120), random.IntN(60), random.IntN(20_000))
	}
	return lines
})

// letters are random characters of an alphabet of 64: six bits in each byte.
func letters(random *rand.Rand, n int) []byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ."
	text := make([]byte, n)
	for i := 0; i < n; {
		for bits, left := random.Uint64(), 10; left > 0 && i < n; left-- {
			text[i] = alphabet[bits&63]
			bits >>= 6
			i++
		}
	}
	return text
}

// store writes the pack and seals where each entry lies.
func (s seeding) store(ctx context.Context, rows []row, entries [][]byte, random *rand.Rand) (err error) {
	var mark [12]byte
	for i := range mark {
		mark[i] = byte(random.Uint32())
	}
	name := fmt.Sprintf("%s/%06d-%s", s.month, rows[0].user/perPack, hex.EncodeToString(mark[:]))
	refs := make([]port.StatementRef, len(rows))
	if len(entries) > 0 {
		if refs, err = s.batch.Bucket.Put(ctx, name, entries); err != nil {
			return err
		}
	}
	for i := range rows {
		if len(entries) == 0 {
			refs[i] = port.StatementRef{Bucket: bucket, Key: name, Offset: int64(i) * 8000, Length: 8000, SHA256: rows[i].sum}
		}
		rows[i].statement, err = statement.SealReference(refs[i], key.Target{Month: s.month, UserID: rows[i].user}, s.batch.Cipher)
		if err != nil {
			return err
		}
	}
	return nil
}

// copyIn writes rows as import and render leave them.
func (s seeding) copyIn(ctx context.Context, rows []row) error {
	return inTransaction(ctx, s.db, func(tx *sql.Tx) error {
		month, at := s.month.Start(time.UTC).Format(time.DateOnly), s.at.UTC()
		err := copyInto(ctx, tx, rows, func(r row) []any {
			return []any{month, r.user, "RENDERED", at, int(channel.NewSet(channel.Email, channel.SMS)), s.quiet[0], s.quiet[1], zoneName}
		}, "billing_targets", "billing_month", "user_id", "batch_status", "available_at", "reachable", "quiet_from", "quiet_to", "quiet_zone")
		if err != nil {
			return err
		}
		return copyInto(ctx, tx, rows, func(r row) []any {
			return []any{month, r.user, r.user + 1, r.email, r.sms, r.statement, r.sum, "bench.csv", at, r.data}
		}, "billing_data", "billing_month", "user_id", "line", "email", "sms", "statement", "fingerprint", "file", "rendered_at", "data")
	})
}

func copyInto(ctx context.Context, tx *sql.Tx, rows []row, values func(row) []any, table string, columns ...string) error {
	copying, err := tx.PrepareContext(ctx, pq.CopyIn(table, columns...)) //nolint:staticcheck // it quotes the names
	if err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	defer func() { _ = copying.Close() }()
	for _, r := range rows {
		if _, err := copying.ExecContext(ctx, values(r)...); err != nil {
			return fmt.Errorf("copy into %s: %w", table, err)
		}
	}
	if _, err := copying.ExecContext(ctx); err != nil {
		return fmt.Errorf("copy into %s: %w", table, err)
	}
	return nil
}

func inTransaction(ctx context.Context, db *sqlx.DB, do func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
