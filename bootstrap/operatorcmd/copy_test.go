package operatorcmd

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/copies"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

func TestAnAddressIsReadFromAFileOrStdinAndIsInNoError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	written := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		file, stdin string
		want        string
		err         bool
	}{
		"the bill's own":     {"", "", "", false},
		"a file":             {written("one", "kim@example.com\r\n"), "", "kim@example.com", false},
		"without a line end": {written("two", " 010-1234-5678"), "", "010-1234-5678", false},
		"stdin":              {"-", "kim@example.com\n\n", "kim@example.com", false},
		"two lines in stdin": {"-", "kim@example.com\nmore\n", "", true},
		"two in a file":      {written("four", "kim@example.com\nlee@example.com\n"), "", "", true},
		"an empty file":      {written("three", "\nkim@example.com\n"), "", "", true},
		"an endless line":    {"-", strings.Repeat("k", 3*maxAddress), strings.Repeat("k", maxAddress), false},
	} {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(c.stdin))
		got, err := (&copyFlags{toFile: c.file}).address(cmd)
		if got != c.want || (err != nil) != c.err || err != nil && strings.Contains(err.Error(), "kim") {
			t.Errorf("%s: %.40q, %v", name, got, err)
		}
	}
	if _, err := (&copyFlags{toFile: filepath.Join(dir, "none")}).address(&cobra.Command{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	f := copyFlags{actFlags: actFlags{billFlags: billFlags{customers: []string{"C-1", "C-2"}}}, toFile: "-"}
	if err := f.run(&cobra.Command{}); err == nil || !strings.Contains(err.Error(), "one --customer") {
		t.Errorf("one address for two customers: %v", err)
	}
}

func TestACopyIsToldWithItsNumberWhereItGoesMaskedAndWhen(t *testing.T) {
	t.Parallel()
	made := copies.Made{Key: key.Target{Month: november, UserID: 7}.Copy(2), Number: 2, Channel: channel.SMS, To: "010-****-5678", Decision: billing.Decision{Rule: billing.RuleDue}}
	text := madeText("C-7", made, false, time.UTC)
	if text != "copy 2 of customer C-7's bill of 2026-11, by SMS to 010-****-5678: it goes out with the next dispatcher run (`balsong why 2026-11 C-7` shows it)\n" {
		t.Error(text)
	}
	made.Decision = billing.Decision{Rule: billing.RuleQuietHours, Until: time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)}
	if text := madeText("C-7", made, false, time.UTC); !strings.Contains(text, "after 2026-11-23 08:00:00 UTC, when quiet hours end") {
		t.Error(text)
	}
	if text := madeText("C-7", made, true, time.UTC); !strings.Contains(text, ", once the halt is lifted (`balsong resume`)") {
		t.Error(text)
	}
	var out strings.Builder
	printCopies(&out, []answer.CopyEntry{{
		Customer: "C-7", Number: 2, Channel: channel.SMS, Dispatch: billing.Paused, Pause: billing.PauseOperator, Actor: "kim", Reason: "by phone",
		AskedAt: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC),
	}}, time.UTC)
	if out.String() != "C-7  copy 2 by SMS: PAUSED (operator); asked for on 2026-11-22 08:00:00 UTC by kim: by phone\n" {
		t.Error(out.String())
	}
}
