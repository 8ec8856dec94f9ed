package importing_test

import (
	"context"
	"encoding/hex"
	"testing"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/outage"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

// stored keeps what an import stores.
type stored struct {
	port.Imports
	bills []port.ImportedBill
}

// Store implements port.Imports.
func (s *stored) Store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal func([]byte, port.Purpose) ([]byte, error)) (port.ImportReport, error) {
	s.bills = append(s.bills, bills...)
	return s.Imports.Store(ctx, month, bills, seal)
}

// AlimTalk goes to the phone number. The row says what it said before there was AlimTalk: the same file, imported again after an
// upgrade, is no correction of the month.
func TestAlimTalkGoesToThePhoneNumberAndARowSaysNoMoreForIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept := &stored{Imports: b.store.Imports()}
	b.importer = importing.New(importing.Ports{
		Months: b.store.Months(), Imports: kept, Past: b.store.PastImports(), Corrections: b.store.Corrections(), Mappings: b.store.Mappings(),
		Cipher: memory.NewCipher(), Clock: b.clock, Watch: outage.New(b.clock, b.log),
	})
	b.load(t, file(good(), with("customer_number", "C-2", "phone", "")), options())
	if len(kept.bills) != 2 {
		t.Fatalf("%d bills", len(kept.bills))
	}
	first, second := kept.bills[0], kept.bills[1]
	if address := first.Destinations[channel.AlimTalk]; address == "" || address != first.Destinations[channel.SMS] || !first.State.Reachable.Has(channel.AlimTalk) {
		t.Errorf("AlimTalk goes to %q", address)
	}
	if _, there := second.Destinations[channel.AlimTalk]; there || second.State.Reachable.Has(channel.AlimTalk) {
		t.Errorf("without a phone number: %v", second.Destinations)
	}
	if got := hex.EncodeToString(first.Fingerprint[:]); got != "206c23a070e0c3636980ed460eba8ce2aa8a5e1aea4304590ee51fb82f7ecafe" {
		t.Errorf("the fingerprint of the row is %s", got)
	}
}
