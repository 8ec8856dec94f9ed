package deliver_test

import (
	"testing"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/settle"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
)

// tryCorrect takes new data for a bill, as an import does.
func (w *world) tryCorrect(t *testing.T, user int64) error {
	t.Helper()
	s := w.state(t, user)
	bill := port.ImportedBill{
		Customer: "customer-1", State: billing.State{Key: w.key(user), Reachable: s.Reachable}, Data: []byte("corrected"),
		Destinations: map[channel.Kind]string{channel.Email: "kim@example.com", channel.SMS: "+821012345678"}, Fingerprint: [32]byte{2},
	}
	return w.store.Corrections().Correct(t.Context(), bill, w.cipher.Seal, settle.Correction(bill, w.clock), by())
}

func (w *world) correct(t *testing.T, user int64) {
	t.Helper()
	if err := w.tryCorrect(t, user); err != nil {
		t.Fatal(err)
	}
	if s := w.state(t, user); s.Batch != billing.Imported {
		t.Fatalf("the corrected bill is %s: it must be rendered again before it goes out", s.Batch)
	}
}

// renderAgain stores a statement that says "corrected", as the batch does.
func (w *world) renderAgain(t *testing.T, user int64) {
	t.Helper()
	bills, _, err := w.store.Renders().Next(t.Context(), w.month, port.Cursor{}, 10)
	if err != nil || len(bills) != 1 {
		t.Fatalf("%d bills wait to be rendered: %v", len(bills), err)
	}
	n, err := w.store.Renders().Mark(t.Context(), []port.RenderedBill{{
		Target: w.key(user), Version: bills[0].Version, Statement: w.statement(t, user, user, "corrected"),
	}}, 1, w.clock.Now())
	if err != nil || n != 1 {
		t.Fatalf("%d bills were rendered: %v", n, err)
	}
}

// statement stores a statement of one customer and returns its reference sealed for another.
func (w *world) statement(t *testing.T, owner, reader int64, text string) []byte {
	t.Helper()
	sealed, err := statement.Seal(port.Statement{Target: w.key(owner), Variants: map[channel.Kind]port.Variant{
		channel.Email: {Subject: "your bill", Text: text}, channel.SMS: {Text: text},
	}}, w.cipher)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := w.packs.Put(t.Context(), w.pack(owner)+text, [][]byte{sealed})
	if err != nil {
		t.Fatal(err)
	}
	reference, err := statement.SealReference(refs[0], w.key(reader), w.cipher)
	if err != nil {
		t.Fatal(err)
	}
	return reference
}
