package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
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

	Stay        int            `json:"stay"`                   // bills that it brought and that another import has corrected
	CorrectedBy []int64        `json:"corrected_by,omitempty"` // imports that corrected bills since
	Named       []namingImport `json:"named_by,omitempty"`     // imports whose files had bills that were known already
}

// namingImport is a later import with rows that the month had already.
type namingImport struct {
	Import int64  `json:"import"`
	File   string `json:"file"`
	Rows   int    `json:"rows"`
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
	records, err := b.Report.Imports(ctx, month)
	if err != nil {
		return fmt.Errorf("import %d is taken back, but what else it concerns cannot be read: %w", id, err)
	}
	d := newUndoDocument(month, done, records)
	return cli.Answer(cmd, d, func(w io.Writer) { d.print(w) })
}

// newUndoDocument says what taking an import back came to. Bills that stay are of imports that corrected them; rows of later
// imports that were known already may have been known by the bills that are gone now.
func newUndoDocument(month key.Month, done importing.Undone, records []port.ImportRecord) undoDocument {
	d := undoDocument{Month: month, Import: done.Record.ID, File: done.Record.File, Removed: done.Removed, Undone: done.Record.Undone}
	d.Stay = max(done.Record.Inserted-d.Undone-d.Removed, 0)
	for _, r := range records {
		if r.ID <= d.Import || r.IsGone() && r.Corrected == 0 {
			continue
		}
		if r.Corrected > 0 && d.Stay > 0 {
			d.CorrectedBy = append(d.CorrectedBy, r.ID)
		}
		if r.Unchanged > 0 && d.Removed+d.Undone > 0 {
			d.Named = append(d.Named, namingImport{r.ID, r.File, r.Unchanged})
		}
	}
	return d
}

func (d undoDocument) print(w io.Writer) {
	text := fmt.Sprintf("import %d of %s (%s) is taken back: %s removed", d.Import, d.Month, d.File, progress.Counted(d.Removed, "bill was", "bills were"))
	if d.Undone > 0 {
		text += fmt.Sprintf(", and %s before", progress.Thousands(d.Undone))
	}
	if d.Stay > 0 {
		text += fmt.Sprintf("; %s", progress.Counted(d.Stay, "stays", "stay"))
	}
	for i, id := range d.CorrectedBy {
		text += map[bool]string{true: ": corrected by import ", false: ", "}[i == 0] + strconv.FormatInt(id, 10)
	}
	fmt.Fprintln(w, text)
	for _, n := range d.Named {
		fmt.Fprintf(w, "import %d (%s) had %s that the month had already: where those were bills of import %d, they are gone too; import its file again\n",
			n.Import, n.File, progress.Counted(n.Rows, "row", "rows"), d.Import)
	}
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
	Unchanged int        `json:"unchanged"`
	Corrected int        `json:"corrected"`
	Conflicts int        `json:"conflicts"`
	Rejected  int        `json:"rejected"`
	Error     string     `json:"error,omitempty"`
	UndoneAt  *time.Time `json:"undone_at,omitempty"`
	Undone    int        `json:"undone,omitempty"`
}

func newImportList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list --month MONTH",
		Short:   "List the imports of a month",
		Long:    "List the imports of a month, the oldest first: which file, who, when, and what it came to.\nTimes are in the ACTIVE policy's zone; without such a policy in UTC.",
		Example: "  batch import list --month 2026-11",
	}
	return showRecords(cmd, func(ctx context.Context, records Records, month key.Month) (any, func(io.Writer), error) {
		list, err := records.Report.Imports(ctx, month)
		if err != nil {
			return nil, nil, err
		}
		zone, err := records.zone(ctx)
		return listed(list), func(w io.Writer) { printImports(w, list, zone) }, err
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
			Inserted: r.Inserted, Unchanged: r.Unchanged, Corrected: r.Corrected, Conflicts: r.Conflicts, Rejected: r.Rejected, Error: r.Error, UndoneAt: at(r.UndoneAt), Undone: r.Undone,
		}
	}
	return list
}

func printImports(w io.Writer, records []port.ImportRecord, zone *time.Location) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "import\tstarted\tfile\tactor\trows\tnew\tknown\tcorrected\tconflicts\trejected\t")
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
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", r.ID, answer.Clock(r.StartedAt, zone), r.File, r.By.Actor, r.Rows, r.Inserted, r.Unchanged, r.Corrected, r.Conflicts, r.Rejected, end)
	}
	_ = table.Flush() // an error of w is the caller's
}
