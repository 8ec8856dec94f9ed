package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

// refusedPage is how many refused rows are read in one transaction.
const refusedPage = 1000

// waitingRow is a refused row that waits, for programs.
type waitingRow struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Customer string `json:"customer,omitempty"`
	Field    string `json:"field,omitempty"`
	Reason   string `json:"reason"`
	Import   int64  `json:"import,omitempty"`
}

func newImportRefused() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "refused --month MONTH",
		Short: "List the refused rows of a month that wait: nothing has come in for them since",
		Long: "List the refused rows of a month that wait, by the file and line where they were refused first. A row is resolved by its corrected row from\n" +
			"rejects.csv, or by a bill of its customer; `batch import dismiss` resolves one for which nothing will come in.",
		Example: "  batch import refused --month 2026-11",
	}
	return showRecords(cmd, func(ctx context.Context, records Records, month key.Month) (any, func(io.Writer), error) {
		list := []waitingRow{}
		for after := (port.RejectedRow{}); ; {
			page, err := records.Refused.Waiting(ctx, month, after, refusedPage)
			if err != nil {
				return nil, nil, err
			}
			for _, r := range page {
				list = append(list, waitingRow{r.File, r.Line, r.Customer, r.Field, r.Reason, r.Import})
				after = port.RejectedRow{File: r.File, Line: r.Line}
			}
			if len(page) < refusedPage {
				return list, func(w io.Writer) { printRefused(w, month, list) }, nil
			}
		}
	})
}

func printRefused(w io.Writer, month key.Month, list []waitingRow) {
	if len(list) == 0 {
		fmt.Fprintf(w, "no refused row of %s waits\n", month)
		return
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "file\tline\tcustomer\twhat is wrong")
	for _, r := range list {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", r.File, r.Line, r.Customer, importing.Refusal{Field: r.Field, Reason: r.Reason}.Text())
	}
	_ = table.Flush() // an error of w is the caller's
	fmt.Fprintf(w, "correct them in their rejects.csv and import that, or: batch import dismiss --month %s --row FILE:LINE --reason WHY\n", month)
}

func newImportDismiss() *cobra.Command {
	var month key.Month
	var who cli.By
	var row string
	cmd := &cobra.Command{
		Use:   "dismiss --month MONTH --row FILE:LINE --reason WHY",
		Short: "Resolve a refused row for which nothing will come in",
		Long: "Resolve a refused row for which nothing will come in: a customer who is in the file twice, a row that is no bill. No bill is made or changed.\n" +
			"Who and why is audited. `batch import refused` lists the rows. It is safe to run again.",
		Example: "  batch import dismiss --month 2026-11 --row november.csv:12 --reason \"the same bill twice\"",
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !who.Named() {
				return cli.Usage(errors.New("--reason (and --actor) is missing: that a refused row was dismissed is recorded with who and why"))
			}
			refused, err := parseRow(row)
			if err != nil {
				return cli.Usage(err)
			}
			return cli.Once(cmd, Recording, func(ctx context.Context, _ config.Records, records Records) error {
				if err := records.Refused.Dismiss(ctx, month, refused, port.Act{Actor: who.Actor, Reason: who.Reason}); err != nil {
					return err
				}
				return cli.Answer(cmd, waitingRow{File: refused.File, Line: refused.Line}, func(w io.Writer) {
					fmt.Fprintf(w, "line %d of %s is dismissed: it waits no more\n", refused.Line, refused.File)
				})
			})
		},
	}
	cli.MonthFlag(cmd, &month, " (required)")
	cmd.Flags().StringVar(&row, "row", "", "`file:line` where the row was refused first (required)")
	who.ActorFlags(cmd, "", "why; recorded (required)")
	cli.Require(cmd, "month", "row")
	cli.AddOutput(cmd)
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitUnavailable, core.ExitInterrupted), cli.Configuration[config.Records]())
	return cmd
}

// parseRow parses the place of a refused row: november.csv:12.
func parseRow(text string) (port.RejectedRow, error) {
	at := strings.LastIndex(text, ":")
	if at > 0 {
		if line, err := strconv.ParseInt(text[at+1:], 10, 32); err == nil && line > 0 {
			return port.RejectedRow{File: text[:at], Line: int(line)}, nil
		}
	}
	return port.RejectedRow{}, fmt.Errorf("--row: %q is not of the form november.csv:12, a file and a line", text)
}
