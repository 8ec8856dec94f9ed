package operatorcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/memory"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/domain/billing"
	"github.com/balsong/balsong/domain/key"
)

const november = key.Month(2026*12 + 10)

// asked has bills of the customers C-1, C-2 and C-3.
func asked(t *testing.T) operatorapp.UseCases {
	t.Helper()
	clock := memory.NewClock(time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC))
	s, cipher := memory.NewStore(clock), memory.NewCipher()
	bills := make([]port.ImportedBill, 3)
	for i, customer := range []string{"C-1", "C-2", "C-3"} {
		bills[i] = port.ImportedBill{Customer: customer, State: billing.New(key.Target{Month: november}, clock.Now()).State(), Data: []byte("{}"), Fingerprint: [32]byte{byte(i)}}
	}
	if err := s.Months().Open(t.Context(), november); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Imports().Store(t.Context(), november, bills, cipher.Seal); err != nil {
		t.Fatal(err)
	}
	return operatorapp.UseCases{Answers: answer.New(answer.Ports{
		Report: s.Report(), SealedBills: s.SealedBills(), Audit: s.Audit(), Runs: s.Runs(), Suppressions: s.Suppressions(), Months: s.Months(),
		Control: s.Control(), ChannelHalts: s.ChannelHalts(), Policies: s.Policies(), Backlog: s.Backlog(), Sweeps: s.Sweeps(), Installation: s.Installation(), Budgets: s.Budgets(),
		Reports: s.Reports(), Inquiries: s.Inquiries(), TemplateSets: s.TemplateSets(), Clock: clock, Cipher: cipher,
	})}
}

func TestAnActIsDoneForEveryCustomerThatIsNamedOrForNone(t *testing.T) {
	t.Parallel()
	u := asked(t)
	for name, c := range map[string]struct {
		args []string
		done string
		json string
		err  error
		code int
	}{
		"one":                {[]string{"--customer", "c-1"}, "C-1", `"C-1"`, nil, core.ExitOK},
		"several, one twice": {[]string{"--customer", "C-1", "--customer", "c-3", "--customer", "C-3"}, "C-1 C-3", `["C-1","C-3"]`, nil, core.ExitOK},
		"one is not there":   {[]string{"--customer", "C-1", "--customer", "C-9"}, "", "", port.ErrNotFound, core.ExitNotFound},
		"one is refused":     {[]string{"--customer", "C-2", "--customer", "C-1"}, "C-2 C-1", `["C-1"]`, billing.ErrRefused, core.ExitRejected},
		"the only one is":    {[]string{"--customer", "C-2"}, "C-2", "", billing.ErrRefused, core.ExitRefused},
	} {
		a, cmd := &billFlags{}, &cobra.Command{Use: "act"}
		a.targetFlags(cmd)
		cli.AddOutput(cmd)
		var out bytes.Buffer
		cmd.SetOut(&out)
		if err := cmd.ParseFlags(append(c.args, "--month", "2026-11", "--output", "json")); err != nil {
			t.Fatal(err)
		}
		var done []string
		err := a.each(t.Context(), cmd, u, func(found answer.Found) (any, string, error) {
			done = append(done, found.Customer)
			if found.Customer == "C-2" {
				return nil, "", billing.ErrRefused
			}
			return found.Customer, found.Customer + "\n", nil
		})
		var compact bytes.Buffer
		if out.Len() > 0 {
			if err := json.Compact(&compact, out.Bytes()); err != nil {
				t.Fatal(err)
			}
		}
		if code := core.ExitCodeOf(t.Context(), err); code != c.code {
			t.Errorf("%s: it ends with %d, want %d", name, code, c.code)
		}
		if !errors.Is(err, c.err) || strings.Join(done, " ") != c.done || strings.TrimSpace(compact.String()) != c.json {
			t.Errorf("%s: done for %q, answered %q: %v", name, done, compact.String(), err)
		}
	}
}
