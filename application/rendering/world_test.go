package rendering_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

const november = key.Month(2026*12 + 10)

var opening = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// failures is a reporter that keeps what could not be rendered.
type failures struct {
	rendering.Silent
	list *[]rendering.Unrendered
}

func (f failures) Failed(u rendering.Unrendered) { *f.list = append(*f.list, u) }

// bundle is everything that rendering works with, in memory.
type bundle struct {
	clock  *memory.Clock
	store  *memory.Store
	packs  *memory.Packs
	cipher *memory.Cipher
	log    *memory.Log
	watch  *outage.Watch
}

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{clock: memory.NewClock(opening), packs: memory.NewPacks(), cipher: memory.NewCipher(), log: &memory.Log{}}
	b.store = memory.NewStore(b.clock)
	b.watch = outage.New(b.clock, b.log)
	return b
}

// good is a bill of customer C-1 as most are.
func good() bill.Bill {
	return bill.Bill{
		Customer: "C-1", Name: "김하나", Language: "ko", Currency: "KRW", Amount: 12_300, DueDate: "2026-11-25",
		Items: []bill.Item{{Name: "통화", Amount: 10_000}, {Name: "문자", Amount: 2_300}},
	}
}

// of is a good bill of another customer.
func of(customer string) bill.Bill {
	b := good()
	b.Customer = customer
	return b
}

// load stores bills as imported, of customers with the user ids 1, 2, … whom every channel reaches.
func (b *bundle) load(t testing.TB, bills ...bill.Bill) {
	t.Helper()
	for i, each := range bills {
		b.loadFor(t, key.Target{Month: november, UserID: int64(i + 1)}, each, channel.NewSet(channel.All...))
	}
}

func (b *bundle) loadFor(t testing.TB, target key.Target, each bill.Bill, reachable channel.Set) {
	t.Helper()
	data, err := each.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := b.cipher.Seal(data, port.Purpose{Kind: port.KindBillingData, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	b.store.Seed(memory.Seeded{
		State:    billing.State{Key: target, Batch: billing.Imported, Dispatch: billing.Ready, AvailableAt: opening, Reachable: reachable},
		Customer: each.Customer, Data: sealed,
	})
}

func (b *bundle) customers(t testing.TB, n int) {
	t.Helper()
	bills := make([]bill.Bill, n)
	for i := range bills {
		bills[i] = of(fmt.Sprintf("C-%04d", i))
	}
	b.load(t, bills...)
}

// renderer may render with the shipped templates as they are.
func (b *bundle) renderer(packs port.Packs, o rendering.Options) *rendering.Renderer {
	o.AllowSample = true
	return b.withoutAWord(packs, o)
}

func (b *bundle) withoutAWord(packs port.Packs, o rendering.Options) *rendering.Renderer {
	return rendering.NewRenderer(rendering.Ports{Renders: b.store.Renders(), Sets: b.store.TemplateSets(), Packs: packs, Cipher: b.cipher, Clock: b.clock, Watch: b.watch}, o)
}

func (b *bundle) render(t testing.TB) rendering.Summary {
	t.Helper()
	summary, err := b.renderer(b.packs, rendering.Options{Sender: "한강텔레콤"}).Render(t.Context(), november)
	if err != nil {
		t.Fatal(err)
	}
	return summary
}

// statement goes the way that Delivery goes: from the candidate's sealed reference to the variants.
func (b *bundle) statement(t testing.TB, target key.Target) port.Statement {
	t.Helper()
	var sealed []byte
	err := b.store.Targets().Within(t.Context(), func(ctx context.Context, tx port.TargetTx) error {
		page, err := tx.LockPage(ctx, port.Page{Month: target.Month, PassNow: opening.AddDate(1, 0, 0), Limit: 1000})
		for _, candidate := range page {
			if candidate.Target.Key() == target {
				sealed = candidate.Statement
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := statement.OpenReference(sealed, target, b.cipher)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := b.packs.Get(t.Context(), ref, nil)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := statement.Open(entry, target, b.cipher)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}
