package postgres

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// Imports stores imported bills. Safe for concurrent use.
type Imports struct {
	db   pool
	lock *heldLock

	mu     sync.Mutex
	loaded map[key.Month]int // rows stored by this process
	next   map[key.Month]int // number of loaded rows at which to analyze again
}

var _ port.Imports = (*Imports)(nil)

// NewImports returns the billing data of a database.
func NewImports(db *sqlx.DB) *Imports {
	p := newPool(db)
	return &Imports{db: p, lock: &heldLock{db: p}, loaded: map[key.Month]int{}, next: map[key.Month]int{}}
}

// Seal encrypts for a purpose, as a port.Cipher does.
type Seal = func(plain []byte, purpose port.Purpose) ([]byte, error)

// sealedBill is an imported bill whose customer has a user id.
type sealedBill struct {
	port.ImportedBill
	user         int64
	version      int32
	first        bool // the customer was added by this transaction, so no bill of theirs is stored yet
	data         []byte
	destinations [][]byte // in the order of channel.All; nil where there is none
}

// seal encrypts the bill's data and destinations, bound to its target.
func (b *sealedBill) seal(month key.Month, seal Seal) (err error) {
	target := key.Target{Month: month, UserID: b.user}
	if b.data, err = seal(b.Data, port.Purpose{Kind: port.KindBillingData, Target: target}); err != nil {
		return fmt.Errorf("seal the data of %s: %w", target, err)
	}
	b.destinations = make([][]byte, len(channel.All))
	for i, kind := range channel.All {
		plain, ok := b.Destinations[kind]
		if !ok {
			continue
		}
		purpose := port.Purpose{Kind: port.KindDestination, Target: target, Channel: kind}
		if b.destinations[i], err = seal([]byte(plain), purpose); err != nil {
			return fmt.Errorf("seal the %s destination of %s: %w", kind, target, err)
		}
	}
	return nil
}

// Store implements port.Imports.
func (p *Imports) Store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal func(plain []byte, purpose port.Purpose) ([]byte, error)) (port.ImportReport, error) {
	if len(bills) == 0 {
		return port.ImportReport{}, ctx.Err()
	}
	report, err := p.store(ctx, month, bills, seal, byCopy)
	if stateOf(err) == "23505" { // another import stored one of these at the same moment
		report, err = p.store(ctx, month, bills, seal, byInsert)
	}
	if err != nil {
		return port.ImportReport{}, err
	}
	p.analyze(ctx, month, report.Inserted)
	return report, nil
}

// inserting is a way to store what is new.
type inserting struct {
	// customers adds customers and notes the user ids of those that it added in users.
	customers func(s *session, ctx context.Context, names []string, users map[string]int64) error
	// bills stores bills and their targets. It returns the bills that another import stored at the same moment, and adds the
	// fingerprints of what that import stored to there.
	bills func(s *session, ctx context.Context, month key.Month, bills []sealedBill, there map[int64][]byte) (lost []sealedBill, err error)
}

var (
	// byCopy fails as a whole with a unique violation (23505) if another import stores one of the customers or bills at the
	// same moment.
	byCopy = inserting{(*session).copyCustomers, (*session).copyBills}
	// byInsert is slower, and leaves out those that another import stores at the same moment.
	byInsert = inserting{(*session).insertCustomers, (*session).insertBills}
)

// Compare implements port.Imports.
func (p *Imports) Compare(ctx context.Context, month key.Month, bills []port.ImportedBill) (report port.ImportReport, err error) {
	if len(bills) == 0 {
		return report, ctx.Err()
	}
	var named []sealedBill
	err = read(ctx, p.db, "compare bills", func(ctx context.Context, s *session) error {
		if there, err := s.isOpened(ctx, month); err != nil || !there {
			return cmp.Or(err, fmt.Errorf("compare bills: %w: %s was never opened", port.ErrInvalid, month))
		}
		users := make(map[string]int64, len(bills))
		names := each(bills, func(b *port.ImportedBill) string { return b.Customer })
		if err := s.numbers(ctx, "number customers", customersSQL, names, users); err != nil {
			return err
		}
		chunk := each(bills, func(b *port.ImportedBill) sealedBill {
			return sealedBill{ImportedBill: *b, user: users[b.Customer], first: users[b.Customer] == 0}
		})
		there, err := s.fingerprints(ctx, month, chunk)
		if err != nil {
			return err
		}
		var rest []sealedBill
		for _, b := range chunk {
			if _, known := there[b.user]; known {
				rest = append(rest, b)
				continue
			}
			report.New = append(report.New, port.ImportConflict{Customer: b.Customer, Line: b.Line})
		}
		known := compare(rest, there)
		report.Unchanged, report.Conflicts = known.Unchanged, known.Conflicts
		named = resolving(rest, there)
		return nil
	})
	if err != nil || len(named) == 0 {
		return report, err
	}
	return report, write(ctx, p.db, "note resolved rows", func(ctx context.Context, s *session) error { return s.resolveRows(ctx, month, named) })
}

func (p *Imports) store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal Seal, insert inserting) (report port.ImportReport, err error) {
	err = copying(ctx, p.db, "store bills", func(ctx context.Context, s *session) error {
		chunk, err := s.numbered(ctx, bills, insert)
		if err != nil {
			return err
		}
		there, err := s.fingerprints(ctx, month, chunk)
		if err != nil {
			return err
		}
		// Of several rows of one customer the first counts, as it does when they are in different chunks.
		var fresh, rest []sealedBill
		for _, b := range chunk {
			if _, known := there[b.user]; known {
				rest = append(rest, b)
				continue
			}
			there[b.user] = b.Fingerprint[:]
			if err := b.seal(month, seal); err != nil {
				return err
			}
			fresh = append(fresh, b)
		}
		if err := s.firstVersion(ctx, month, fresh); err != nil {
			return err
		}
		slices.SortFunc(fresh, func(a, b sealedBill) int { return cmp.Compare(a.user, b.user) })
		lost, err := insert.bills(s, ctx, month, fresh, there)
		if err != nil {
			return err
		}
		report = compare(append(rest, lost...), there)
		report.Inserted = len(fresh) - len(lost)
		isLost := func(b sealedBill) bool {
			return slices.ContainsFunc(lost, func(l sealedBill) bool { return l.user == b.user })
		}
		return s.resolve(ctx, month, chunk, there, slices.DeleteFunc(fresh, isLost))
	})
	return report, err
}

// compare tells unchanged bills from conflicting ones, by the fingerprints of what is stored; conflicts come in the
// order of their lines.
func compare(bills []sealedBill, there map[int64][]byte) port.ImportReport {
	var report port.ImportReport
	for _, b := range bills {
		if bytes.Equal(there[b.user], b.Fingerprint[:]) {
			report.Unchanged++
			continue
		}
		report.Conflicts = append(report.Conflicts, port.ImportConflict{Customer: b.Customer, Line: b.Line})
	}
	slices.SortStableFunc(report.Conflicts, func(a, b port.ImportConflict) int { return cmp.Compare(a.Line, b.Line) })
	return report
}

// firstVersion gives new bills their version. It reads it after the fingerprints, so that of a bill that was taken back
// before those were read it is a later one.
func (s *session) firstVersion(ctx context.Context, month key.Month, fresh []sealedBill) error {
	if len(fresh) == 0 {
		return nil
	}
	var version int32
	err := s.one(ctx, "store bills", `/* first_version */ SELECT coalesce((SELECT m.first_version FROM months m WHERE m.billing_month = $1::date), 1)`, []any{day(month)}, &version)
	for i := range fresh {
		fresh[i].version = version
	}
	return err
}

const fingerprintsSQL = `/* fingerprints */ SELECT d.user_id, d.fingerprint FROM ` + monthUsers + ` JOIN billing_data d ON d.billing_month = v.billing_month AND d.user_id = v.user_id`

// fingerprints returns the fingerprints of those bills that are stored already, by user id.
func (s *session) fingerprints(ctx context.Context, month key.Month, bills []sealedBill) (map[int64][]byte, error) {
	there := make(map[int64][]byte, len(bills))
	var users []int64
	for i := range bills {
		if !bills[i].first {
			users = append(users, bills[i].user)
		}
	}
	if len(users) == 0 {
		return there, nil
	}
	slices.Sort(users)
	err := s.query(ctx, "compare bills", fingerprintsSQL, []any{day(month), bigints(slices.Compact(users))}, func(scan func(...any) error) error {
		var user int64
		var fingerprint []byte
		err := scan(&user, &fingerprint)
		there[user] = fingerprint
		return err
	})
	return there, err
}

var copyDataSQL = `COPY billing_data (billing_month, user_id, data_version, line, file, import_id, fingerprint, data, ` + destinations("") + `) FROM STDIN`

const copyTargetsSQL = `COPY billing_targets (billing_month, user_id, available_at, deadline, reachable,
  quiet_from, quiet_to, quiet_zone, wished_channel) FROM STDIN`

func (s *session) copyBills(ctx context.Context, month key.Month, bills []sealedBill, _ map[int64][]byte) ([]sealedBill, error) {
	if len(bills) == 0 {
		return nil, nil
	}
	first := day(month)
	err := s.copyIn(ctx, "copy bills", copyDataSQL, len(bills), func(line *copyLine, i int) {
		b := &bills[i]
		line.words(first)
		line.number(b.user)
		line.number(int64(b.version))
		line.number(int64(b.Line))
		line.words(clean(b.File))
		if b.Import == 0 {
			line.null()
		} else {
			line.number(b.Import)
		}
		line.blob(b.Fingerprint[:])
		line.blob(notNil(b.data))
		for _, destination := range b.destinations {
			line.blob(destination)
		}
	})
	if err != nil {
		return nil, err
	}
	return nil, s.copyIn(ctx, "copy targets", copyTargetsSQL, len(bills), func(line *copyLine, i int) {
		state := &bills[i].State
		from, to, zone := ownQuietColumns(state)
		line.words(first)
		line.number(bills[i].user)
		line.instant(availableAt(state))
		line.instant(state.Deadline)
		line.number(int64(state.Reachable))
		line.optional(from)
		line.optional(to)
		line.optional(zone)
		line.optional(string(state.Wished))
	})
}

var insertDataSQL = `/* insert_data */ INSERT INTO billing_data (billing_month, user_id, data_version, line, file, import_id, fingerprint, data, ` + destinations("") + `)
SELECT $1::date, v.user_id, coalesce((SELECT m.first_version FROM months m WHERE m.billing_month = $1::date), 1), v.line, coalesce(v.file, ''), nullif(v.import_id, 0), v.fingerprint, v.data, ` + destinations("v.") + `
FROM unnest($2::bigint[], $3::int[], $4::text[], $5::bigint[], $6::bytea[], $7::bytea[], ` + destinationArrays(8) + `)
  AS v(user_id, line, file, import_id, fingerprint, data, ` + destinations("") + `)
ON CONFLICT (billing_month, user_id) DO NOTHING
RETURNING user_id`

const insertTargetsSQL = `/* insert_targets */ INSERT INTO billing_targets (billing_month, user_id, available_at, deadline, reachable,
  quiet_from, quiet_to, quiet_zone, wished_channel)
SELECT $1::date, v.user_id, v.available_at, v.deadline, v.reachable, v.quiet_from, v.quiet_to, v.quiet_zone, v.wished_channel
FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::smallint[], $6::time[], $7::time[], $8::text[], $9::text[])
  AS v(user_id, available_at, deadline, reachable, quiet_from, quiet_to, quiet_zone, wished_channel)`

func (s *session) insertBills(ctx context.Context, month key.Month, bills []sealedBill, there map[int64][]byte) ([]sealedBill, error) {
	if len(bills) == 0 {
		return nil, nil
	}
	inserted := make(map[int64]bool, len(bills))
	args := append([]any{day(month)}, dataArgs(bills)...)
	err := s.query(ctx, "insert bills", insertDataSQL, args, func(scan func(...any) error) error {
		var user int64
		err := scan(&user)
		inserted[user] = true
		return err
	})
	if err != nil {
		return nil, err
	}
	var ours, lost []sealedBill
	for _, b := range bills {
		if inserted[b.user] {
			ours = append(ours, b)
		} else {
			lost = append(lost, b)
		}
	}
	if len(lost) > 0 {
		theirs, err := s.fingerprints(ctx, month, lost)
		if err != nil {
			return nil, err
		}
		for user, fingerprint := range theirs {
			there[user] = fingerprint
		}
	}
	if len(ours) == 0 {
		return lost, nil
	}
	_, err = s.exec(ctx, "insert targets", insertTargetsSQL, append([]any{day(month)}, wishArgs(ours)...)...)
	return lost, err
}

// dataArgs are the columns of billing_data as parameters.
func dataArgs(bills []sealedBill) []any {
	args := []any{
		bigints(each(bills, func(b *sealedBill) int64 { return b.user })),
		integers(each(bills, func(b *sealedBill) int32 { return int32(b.Line) })),
		texts(each(bills, func(b *sealedBill) string { return clean(b.File) })),
		bigints(each(bills, func(b *sealedBill) int64 { return b.Import })),
		blobs(each(bills, func(b *sealedBill) []byte { return b.Fingerprint[:] })),
		blobs(each(bills, func(b *sealedBill) []byte { return notNil(b.data) })),
	}
	for i := range channel.All {
		args = append(args, blobs(each(bills, func(b *sealedBill) []byte { return b.destinations[i] })))
	}
	return args
}

// notNil returns an empty slice for nil, which would be stored as NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// wishArgs are the columns of billing_targets that an import sets as parameters: when and how the customer can be
// reached.
func wishArgs(bills []sealedBill) []any {
	states := each(bills, func(b *sealedBill) billing.State {
		state := b.State
		state.Key.UserID = b.user
		return state
	})
	quiet := func(column int) texts {
		return each(states, func(s *billing.State) string {
			from, to, zone := ownQuietColumns(s)
			return [...]string{from, to, zone}[column]
		})
	}
	return []any{
		bigints(each(states, func(s *billing.State) int64 { return s.Key.UserID })),
		instants(each(states, availableAt)),
		instants(each(states, func(s *billing.State) time.Time { return s.Deadline })),
		smallints(each(states, func(s *billing.State) int16 { return int16(s.Reachable) })),
		quiet(0), quiet(1), quiet(2),
		texts(each(states, func(s *billing.State) string { return string(s.Wished) })),
	}
}
