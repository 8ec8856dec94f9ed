package operatorcmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/spf13/cobra"
	"go.uber.org/fx"

	"github.com/balsong/balsong/adapters/crypto"
	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

// newKeysetUsage is the subcommand "keyset usage".
func newKeysetUsage() *cobra.Command {
	var f keysetFile
	cmd := &cobra.Command{
		Use: "usage", Args: cli.NoArguments, Short: "Count the stored ciphertexts that each key has sealed",
		Long: "Count the stored ciphertexts that each key has sealed (DATABASE_URL). It reads every stored bill: seconds for a million.\n" +
			"Messages in the topics carry copies of these; they stay for the topics' retention.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			keys, err := f.keys(cmd.Context())
			if err != nil {
				return err
			}
			return cli.Once(cmd, usageApp, func(ctx context.Context, _ config.Operator, db *sqlx.DB) error {
				lines, err := countUsage(ctx, db, keys)
				if err != nil {
					return err
				}
				return cli.Answer(cmd, lines, func(w io.Writer) { printUsage(w, lines) })
			})
		},
	}
	f.optionalFlags(cmd, orConfigured)
	cli.Describe(cmd, cli.Configuration[struct {
		Operator config.Operator
		Keys     config.Keys
	}]())
	return cmd
}

func usageApp(c config.Operator) fx.Option {
	return fx.Options(core.Quiet(), core.Identity(), core.Database(c.Database, "balsong-keyset"))
}

// usageLine is one key and what it has sealed.
type usageLine struct {
	ID          uint32         `json:"id"`
	State       string         `json:"state"`
	Ciphertexts int            `json:"ciphertexts"`
	Months      map[string]int `json:"months,omitempty"`
	order       []string
}

func countUsage(ctx context.Context, db *sqlx.DB, keys []crypto.KeyInfo) ([]usageLine, error) {
	all, err := postgres.NewMonths(db).All(ctx)
	if err != nil {
		return nil, err
	}
	months := make([]key.Month, 0, len(all))
	for _, m := range all {
		months = append(months, m.Month)
	}
	uses, err := postgres.KeyUsage(ctx, db, months)
	if err != nil {
		return nil, err
	}
	var lines []usageLine
	at := map[uint32]int{}
	for _, k := range keyLines(keys) {
		at[k.ID] = len(lines)
		lines = append(lines, usageLine{ID: k.ID, State: k.State, Months: map[string]int{}})
	}
	for _, use := range uses {
		if _, known := at[use.KeyID]; !known {
			at[use.KeyID] = len(lines)
			lines = append(lines, usageLine{ID: use.KeyID, State: "NOT in the keyset: what it sealed cannot be opened", Months: map[string]int{}})
		}
		line := &lines[at[use.KeyID]]
		line.Ciphertexts += use.Ciphertexts
		line.Months[use.Month.String()] = use.Ciphertexts
		line.order = append(line.order, fmt.Sprintf("%s: %d", use.Month, use.Ciphertexts))
	}
	return lines, nil
}

func printUsage(w io.Writer, lines []usageLine) {
	for _, line := range lines {
		fmt.Fprintf(w, "%10d  %-30s  %d stored ciphertexts", line.ID, line.State, line.Ciphertexts)
		if len(line.order) > 0 {
			fmt.Fprintf(w, " (%s)", strings.Join(line.order, ", "))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, "Messages in the topics carry copies: wait for their retention too (7 days; dead letters 30) before a key is disabled.")
}
