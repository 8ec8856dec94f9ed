package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/doctor"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/key"
)

// undoDocument is what taking an import back came to, for programs.
type undoDocument struct {
	Month   key.Month `json:"month"`
	Import  int64     `json:"import"`
	File    string    `json:"file"`
	Removed int       `json:"removed"`        // by this command
	Undone  int       `json:"removed_before"` // by earlier ones
}

func newImportUndo() *cobra.Command {
	var month key.Month
	var who cli.By
	var id int64
	cmd := &cobra.Command{
		Use:   "undo --month MONTH --import ID --reason WHY",
		Short: "Take a wrong import back, as a whole, while nothing of it went out",
		Long: "Take an import back: remove every bill that it brought, and its refused rows. It is refused (exit code 5) where one of its bills is REQUESTED\n" +
			"or went further, was corrected, paused or cancelled, or where a run may have published bills of it. Bills that another import has\n" +
			"corrected since belong to that one and stay. It is safe to run again, also after it was killed. `batch import list` names the imports.",
		Example: "  batch import undo --month 2026-11 --import 7 --reason \"the October file\"",
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !who.Named() {
				return cli.Usage(errors.New("--reason (and --actor) is missing: that an import was taken back is recorded with who and why"))
			}
			return cli.Once(cmd, Importing, func(ctx context.Context, c config.Import, b Import) error {
				return doctor.Beside(ctx, doctor.Components{Database: &c.Database, Keys: &c.Keys}, b.Log, func(ctx context.Context) error {
					return undoImport(ctx, cmd, b, month, id, port.Act{Actor: who.Actor, Reason: who.Reason})
				})
			})
		},
	}
	cli.MonthFlag(cmd, &month, " (required)")
	cmd.Flags().Int64Var(&id, "import", 0, "`id` of the import (required)")
	who.ActorFlags(cmd, "", "why; recorded (required)")
	cli.Require(cmd, "month", "import")
	cli.AddOutput(cmd)
	cli.Describe(cmd, exitCodes, cli.Configuration[config.Import]())
	return cmd
}

func undoImport(ctx context.Context, cmd *cobra.Command, b Import, month key.Month, id int64, by port.Act) error {
	done, err := b.Importer.Undo(ctx, month, id, by)
	if err != nil {
		return err
	}
	return cli.Answer(cmd, undoDocument{month, id, done.Record.File, done.Removed, done.Record.Undone}, func(w io.Writer) {
		fmt.Fprintln(w, undoText(month, done))
	})
}

func undoText(month key.Month, done importing.Undone) string {
	text := fmt.Sprintf("import %d of %s (%s) is taken back: %s removed", done.Record.ID, month, done.Record.File, progress.Counted(done.Removed, "bill was", "bills were"))
	if done.Record.Undone > 0 {
		text += fmt.Sprintf(", and %s before", progress.Thousands(done.Record.Undone))
	}
	return text
}

// listedImport is an import of a month, for programs.
type listedImport struct {
	ID        int64      `json:"import"`
	File      string     `json:"file"`
	Actor     string     `json:"actor"`
	Reason    string     `json:"reason,omitempty"`
	Started   time.Time  `json:"started_at"`
	Finished  *time.Time `json:"finished_at,omitempty"`
	Rows      int        `json:"rows"`
	Inserted  int        `json:"inserted"`
	Corrected int        `json:"corrected"`
	Rejected  int        `json:"rejected"`
	Error     string     `json:"error,omitempty"`
	UndoneAt  *time.Time `json:"undone_at,omitempty"`
	Undone    int        `json:"undone,omitempty"`
}

func newImportList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list --month MONTH",
		Short:   "List the imports of a month",
		Long:    "List the imports of a month, the oldest first: which file, who, when, and what it came to.",
		Example: "  batch import list --month 2026-11",
	}
	return showRecords(cmd, func(ctx context.Context, records Records, month key.Month) (any, func(io.Writer), error) {
		list, err := records.Report.Imports(ctx, month)
		return listed(list), func(w io.Writer) { printImports(w, list) }, err
	})
}

func listed(records []port.ImportRecord) []listedImport {
	at := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	list := make([]listedImport, len(records))
	for i, r := range records {
		list[i] = listedImport{
			ID: r.ID, File: r.File, Actor: r.By.Actor, Reason: r.By.Reason, Started: r.StartedAt, Finished: at(r.FinishedAt), Rows: r.Rows,
			Inserted: r.Inserted, Corrected: r.Corrected, Rejected: r.Rejected, Error: r.Error, UndoneAt: at(r.UndoneAt), Undone: r.Undone,
		}
	}
	return list
}

func printImports(w io.Writer, records []port.ImportRecord) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "import\tstarted\tfile\tactor\trows\tnew\tcorrected\trejected\t")
	for _, r := range records {
		end := ""
		switch {
		case !r.UndoneAt.IsZero():
			end = fmt.Sprintf("taken back (%s)", progress.Counted(r.Undone, "bill", "bills"))
		case r.FinishedAt.IsZero():
			end = "under way, or it was killed"
		case r.Error != "":
			end = "ended with an error"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%s\n", r.ID, r.StartedAt.UTC().Format("2006-01-02 15:04Z"), r.File, r.By.Actor, r.Rows, r.Inserted, r.Corrected, r.Rejected, end)
	}
	_ = table.Flush() // an error of w is the caller's
}
