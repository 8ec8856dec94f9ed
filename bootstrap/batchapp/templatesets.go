package batchapp

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

// templateSetDocument is a template set of a month, for programs.
type templateSetDocument struct {
	Number      int16    `json:"number"`
	Name        string   `json:"name"`
	Fingerprint string   `json:"fingerprint"`
	AddedAt     string   `json:"added_at"`
	Files       []string `json:"files"` // their names: templates export writes the texts
}

func newTemplatesList() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list --month MONTH",
		Short:   "List the templates that a month keeps, with which its bills were rendered",
		Long:    "List the templates that a month keeps, with which its bills were rendered; the last ones render what comes later. `templates export --month` writes their texts.\nTimes are in the ACTIVE policy's zone; without such a policy in UTC.",
		Example: "  balsong templates list --month 2026-11\n  balsong templates export november --month 2026-11",
	}
	return showRecords(cmd, func(ctx context.Context, records Records, month key.Month) (any, func(io.Writer), error) {
		sets, err := setsOf(ctx, records.Sets, month)
		if err != nil {
			return nil, nil, err
		}
		zone, err := records.zone(ctx)
		list := make([]templateSetDocument, len(sets))
		for i, s := range sets {
			list[i] = templateSetDocument{s.Number, s.Name, fmt.Sprintf("%x", s.Fingerprint), s.AddedAt.UTC().Format("2006-01-02T15:04:05Z"), slices.Sorted(maps.Keys(s.Files))}
		}
		return list, func(w io.Writer) {
			table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "number\tname\tfingerprint\tfirst used")
			for i, s := range list {
				fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", s.Number, s.Name, s.Fingerprint[:8], answer.Clock(sets[i].AddedAt, zone))
			}
			_ = table.Flush()
		}, err
	})
}

// setsOf returns the template sets of a month. ErrNotFound where it has none.
func setsOf(ctx context.Context, sets port.TemplateSets, month key.Month) ([]port.TemplateSet, error) {
	list, err := sets.Of(ctx, month)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: %s keeps no templates: none of its bills was rendered, or that was before months kept them", port.ErrNotFound, month)
	}
	return list, err
}

// exported are the flags of templates export.
type exported struct {
	month  key.Month
	number int16
}

func newTemplatesExport() *cobra.Command {
	var a exported
	cmd := &cobra.Command{
		Use: "export DIR", Short: "Write templates to a directory, and never over a file that is there", Args: oneDirectory,
		Long:    "Write the shipped templates to a directory, or with --month those that the month keeps. A file that is there already stays as it is.",
		Example: "  balsong templates export words\n  balsong templates export november --month 2026-11",
		RunE: func(cmd *cobra.Command, args []string) error {
			if a.month == 0 {
				return exportTemplates(args[0], cmd.OutOrStdout())
			}
			return cli.Once(cmd, Recording, func(ctx context.Context, _ config.Records, records Records) error {
				return a.export(ctx, records.Sets, args[0], cmd.OutOrStdout())
			})
		},
	}
	cli.MonthFlag(cmd, &a.month, ", to write the templates that it keeps instead of the shipped ones")
	cmd.Flags().Int16Var(&a.number, "number", 0, "which of the month's, as `templates list` numbers them; without: the last")
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitRefused, core.ExitUnavailable, core.ExitInterrupted), cli.Configuration[config.Records]())
	return cmd
}

func (a exported) export(ctx context.Context, sets port.TemplateSets, dir string, out io.Writer) error {
	list, err := setsOf(ctx, sets, a.month)
	if err != nil {
		return err
	}
	set := list[len(list)-1]
	if a.number != 0 {
		at := slices.IndexFunc(list, func(s port.TemplateSet) bool { return s.Number == a.number })
		if at < 0 {
			return fmt.Errorf("%w: %s keeps %d template sets, and none has the number %d", port.ErrNotFound, a.month, len(list), a.number)
		}
		set = list[at]
	}
	for _, name := range slices.Sorted(maps.Keys(set.Files)) {
		local, err := filepath.Localize(name)
		if err != nil {
			return fmt.Errorf("%q of the month's templates: %w", name, err)
		}
		if err := writeNew(filepath.Join(dir, local), set.Files[name]); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s: %s of %s, %d files\n", dir, set, a.month, len(set.Files))
	return nil
}

// writeNew writes a file. ErrInvalid where one with other contents is there: a mixture of two sets is neither.
func writeNew(path, content string) error {
	if there, err := os.ReadFile(path); err == nil {
		if string(there) == content {
			return nil
		}
		return fmt.Errorf("%w: %s is there and says something else: name a new directory", port.ErrInvalid, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
