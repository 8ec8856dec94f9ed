package reruntest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/s3"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// target is a row of the month, as it is read; what is sealed is opened for the checksum. The user id is left out of that: it
// is a number that the store gives, and another run may give another one.
type target struct {
	User      int64      `db:"user_id" json:"-"`
	Customer  string     `db:"customer"`
	Batch     string     `db:"batch_status"`
	Dispatch  string     `db:"dispatch_status"`
	Available time.Time  `db:"available_at"`
	Deadline  *time.Time `db:"deadline"`
	Reachable int        `db:"reachable"`
	From      *string    `db:"quiet_from"`
	To        *string    `db:"quiet_to"`
	Zone      *string    `db:"quiet_zone"`
	Wished    *string    `db:"wished_channel"`
	Line      int        `db:"line"`
	File      string     `db:"file"`
	Version   int        `db:"data_version"`
	Print     []byte     `db:"fingerprint"`
	Data      []byte     `db:"data" json:"-"`
	Email     []byte     `db:"email" json:"-"`
	SMS       []byte     `db:"sms" json:"-"`
	Push      []byte     `db:"push" json:"-"`
	Statement []byte     `db:"statement" json:"-"`
}

// opened is what a row says in clear.
type opened struct {
	Row          target
	Bill         bill.Bill
	Destinations map[channel.Kind]string
	Texts        map[channel.Kind]port.Variant
}

// state is what a month has come to.
type state struct {
	checksum           string
	rows, rendered     int
	customers, packing int // rows of customers; distinct packs that references point into
}

// stateOf reads everything of the month and opens everything that is sealed.
func (w *world) stateOf(t *testing.T) (s state) {
	t.Helper()
	cipher, err := crypto.New([]byte(w.config.Keys.Keyset))
	must(t, err)
	packs, err := s3.New(t.Context(), core.S3Config(w.config.S3), &memory.Metrics{})
	must(t, err)
	must(t, w.db.GetContext(t.Context(), &s.customers, "SELECT count(*) FROM customers"))
	var rows []target
	must(t, w.db.SelectContext(t.Context(), &rows, `SELECT t.user_id, c.customer, t.batch_status, t.dispatch_status, t.available_at, t.deadline, t.reachable,
		t.quiet_from::text, t.quiet_to::text, t.quiet_zone, t.wished_channel, d.line, d.file, d.data_version, d.fingerprint, d.data, d.email, d.sms, d.push, d.statement
		FROM billing_targets t JOIN customers c USING (user_id) LEFT JOIN billing_data d USING (billing_month, user_id) ORDER BY c.customer`))
	sum, packed := sha256.New(), map[string]bool{}
	for _, row := range rows {
		row.Available = row.Available.UTC()
		made, pack := w.open(t.Context(), t, row, cipher, packs)
		must(t, json.NewEncoder(sum).Encode(made))
		s.rows++
		if packed[pack] = true; pack != "" {
			s.rendered++
		}
	}
	delete(packed, "")
	s.packing, s.checksum = len(packed), hex.EncodeToString(sum.Sum(nil))
	return s
}

func (w *world) open(ctx context.Context, t *testing.T, row target, cipher port.Cipher, packs port.Packs) (o opened, pack string) {
	t.Helper()
	whose := key.Target{Month: w.month, UserID: row.User}
	o = opened{Row: row, Destinations: map[channel.Kind]string{}}
	var err error
	o.Bill, err = bill.Open(port.Bill{Target: whose, Data: row.Data}, cipher)
	must(t, err)
	for kind, sealed := range map[channel.Kind][]byte{channel.Email: row.Email, channel.SMS: row.SMS, channel.Push: row.Push} {
		if sealed != nil {
			plain, err := cipher.Open(sealed, port.Purpose{Kind: port.KindDestination, Target: whose, Channel: kind})
			must(t, err)
			o.Destinations[kind] = string(plain)
		}
	}
	if row.Statement == nil {
		return o, ""
	}
	ref, err := statement.OpenReference(row.Statement, whose, cipher)
	must(t, err)
	entry, err := packs.Get(ctx, ref, nil)
	must(t, err)
	opened, err := statement.Open(entry, whose, cipher)
	must(t, err)
	if len(opened.Variants) != len(channel.All)-1 { // the shipped templates have no AlimTalk template
		t.Fatalf("customer %s has %d variants", row.Customer, len(opened.Variants))
	}
	o.Texts = opened.Variants
	return o, ref.Key
}

func (s state) String() string {
	return fmt.Sprintf("%d rows of %d customers, %d rendered into %d packs, checksum %s", s.rows, s.customers, s.rendered, s.packing, s.checksum)
}
