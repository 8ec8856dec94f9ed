package bill_test

import (
	"errors"
	"testing"
	"time"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

func TestReadingABillChangesNothing(t *testing.T) {
	t.Parallel()
	clock := memory.NewClock(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC))
	store, cipher := memory.NewStore(clock), memory.NewCipher()
	target := key.Target{Month: 2026*12 + 10, UserID: 1}
	data, err := bill.Bill{Customer: "C-1", Name: "김하나", Language: "ko", Currency: "KRW", Amount: 12_300, DueDate: "2026-11-25"}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := cipher.Seal(data, port.Purpose{Kind: port.KindBillingData, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []billing.BatchStatus{billing.Imported, billing.Rendered} {
		state := billing.State{Key: target, Batch: status, Dispatch: billing.Ready, AvailableAt: clock.Now()}
		store.Seed(memory.Seeded{State: state, Customer: "C-1", Data: sealed})
		before, _ := store.Target(target)
		found, err := bill.Find(t.Context(), store.Renders(), cipher, target.Month, "C-1")
		if err == nil {
			found, err = bill.Find(t.Context(), store.Renders(), cipher, target.Month, "\u200bＣ-1\u00a0")
		}
		if err != nil || found.Name != "김하나" || found.Amount != 12_300 {
			t.Fatalf("%+v, %v", found, err)
		}
		if after, _ := store.Target(target); after != before || after.State().Batch != status {
			t.Errorf("the bill was %+v and is %+v", before, after)
		}
	}
	if _, err := bill.Find(t.Context(), store.Renders(), cipher, target.Month, "C-2"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("nobody's bill: %v", err)
	}
	if _, err := bill.Find(t.Context(), store.Renders(), memory.NewCipher(), target.Month, "C-1"); !errors.Is(err, port.ErrUnknownKey) {
		t.Errorf("without its key: %v", err)
	}
}
