package operatorcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/statement"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

var stored = answer.Stored{
	Customer: "C-1", Month: november, Key: "2026-11/1", Dispatch: billing.Succeeded, RenderedAt: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC),
	Channels: []answer.StoredVariant{
		{Channel: channel.Email, To: "k***@example.com", Standing: "accepted", Variant: port.Variant{Subject: "Your bill", HTML: "<p>12,300</p>", Text: "12,300\n"}},
		{Channel: channel.SMS, To: "010-****-5678", Standing: "not tried", Variant: port.Variant{Text: "청구 12,300원", Class: "SMS"}},
	},
}

// says runs the answer of a command with flags, and returns what it wrote to stdout.
func says(t *testing.T, s answer.Stored, flags ...string) (string, error) {
	t.Helper()
	f, cmd := &statementFlags{}, &cobra.Command{Use: "statement"}
	cmd.Flags().StringVar(&f.channel, "channel", "", "")
	cmd.Flags().StringVar(&f.html, "html", "", "")
	cmd.Flags().StringVar(&f.text, "text", "", "")
	cli.AddOutput(cmd)
	var out bytes.Buffer
	cmd.SetOut(&out)
	if err := cmd.ParseFlags(flags); err != nil {
		t.Fatal(err)
	}
	if _, err := f.kinds(cmd); err != nil {
		return "", err
	}
	err := f.answer(cmd, s)
	return out.String(), err
}

func TestAStatementIsShownWithWhereItGoesAndWrittenByteForByte(t *testing.T) {
	t.Parallel()
	text, err := says(t, stored)
	for _, want := range []string{"The stored statement, rendered on 2026-11-22 03:00:00 UTC; the bill is SUCCEEDED.", "to k***@example.com: accepted\nSubject: Your bill\n", "── SMS, 13 of 90 bytes in EUC-KR", "to 010-****-5678: not tried"} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("there is no %q in %s: %v", want, text, err)
		}
	}
	dir := t.TempDir()
	page := filepath.Join(dir, "bill.html")
	if text, err = says(t, stored, "--html", page); err != nil || !strings.Contains(text, page) || strings.Contains(text, "12,300") {
		t.Errorf("%s: %v", text, err)
	}
	if html, err := os.ReadFile(page); err != nil || string(html) != "<p>12,300</p>" {
		t.Errorf("%q: %v", html, err)
	}
	if info, err := os.Stat(page); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others can read it: %v", err)
	}
	if _, err := says(t, stored, "--html", page); err == nil {
		t.Error("a file was replaced")
	}
	if text, err = says(t, stored, "--text", "-"); err != nil || text != "12,300\n" {
		t.Errorf("%q: %v", text, err)
	}
	text, err = says(t, stored, "--output", "json")
	var document struct {
		Channels []struct {
			Channel, To, Text, Class string
			Bytes                    int `json:"bytes_euc_kr"`
		}
	}
	if err = errors.Join(err, json.Unmarshal([]byte(text), &document)); err != nil || len(document.Channels) != 2 || document.Channels[1].Text != "청구 12,300원" || document.Channels[1].Bytes != 13 {
		t.Errorf("%+v: %v", document, err)
	}
	for _, flags := range [][]string{{"--channel", "FAX"}, {"--channel", "SMS", "--html", "-"}, {"--html", "-", "--text", "-"}, {"--text", "-", "--output", "json"}} {
		if text, err := says(t, stored, flags...); err == nil {
			t.Errorf("%v: %s", flags, text)
		}
	}
}

func TestAPreviewShowsWhatIsStoredUnlessATrialIsAskedForAndSaysWhich(t *testing.T) {
	t.Parallel()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	s, cipher, packs := memory.NewStore(clock), memory.NewCipher(), memory.NewPacks()
	bills := trialapp.Bills{Renders: s.Renders(), Cipher: cipher, Report: s.Report(), Months: s.Months(), Sealed: s.SealedBills(), Policies: s.Policies()}
	if err := s.Months().Open(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	imported := port.ImportedBill{Customer: "C-1", State: billing.New(key.Target{Month: november}, clock.Now()).State(), Data: []byte("{}")}
	if _, err := s.Imports().Store(t.Context(), november, []port.ImportedBill{imported}, cipher.Seal); err != nil {
		t.Fatal(err)
	}
	looked := func(flags ...string) *billChoice {
		a, cmd := &billChoice{customer: "c-1"}, &cobra.Command{Use: "render"}
		a.flags(cmd)
		if err := cmd.ParseFlags(flags); err != nil {
			t.Fatal(err)
		}
		if err := a.lookUp(t.Context(), cmd, november, bills); err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := looked(); a.stored != nil || !strings.Contains(a.note, "BALSONG_S3_BUCKET") {
		t.Errorf("without a store: %q", a.note)
	}
	bills.Packs = packs
	if a := looked(); a.stored != nil || !strings.Contains(a.note, "Rendered now, because the bill is not rendered yet") {
		t.Errorf("before it is rendered: %q", a.note)
	}
	target := key.Target{Month: november, UserID: 1}
	entry, err := statement.Seal(port.Statement{Target: target, Variants: map[channel.Kind]port.Variant{channel.SMS: {Text: "as stored", Class: "SMS"}}}, cipher)
	if err != nil {
		t.Fatal(err)
	}
	refs, err := packs.Put(t.Context(), "2026-11/1", [][]byte{entry})
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := statement.SealReference(refs[0], target, cipher)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Renders().Mark(t.Context(), []port.RenderedBill{{Target: target, Version: 1, Statement: sealed}}, 1, clock.Now()); err != nil {
		t.Fatal(err)
	}
	a := looked()
	if made := a.make(bill.Bill{}, november); a.stored == nil || made.Variants[channel.SMS].Text != "as stored" || !strings.Contains(made.Note, "The stored statement") {
		t.Errorf("after it is rendered: %q", a.note)
	}
	if a := looked("--templates", "words"); a.stored != nil || !strings.Contains(a.note, "as a trial, because of --templates") {
		t.Errorf("with templates: %q", a.note)
	}
}
