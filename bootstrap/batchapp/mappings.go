package batchapp

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/key"
)

// mappingDocument is a mapping of a month, for programs.
type mappingDocument struct {
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
	AddedAt     string `json:"added_at"`
	Text        string `json:"text"`
}

func newMappings() *cobra.Command {
	var month key.Month
	cmd := &cobra.Command{
		Use:     "mappings --month MONTH",
		Short:   "Show the mappings with which a month's files were imported",
		Long:    "Show the mappings with which a month's files were imported, as they were then.",
		Example: "  batch mappings --month 2026-11 > november.mapping.yaml",
		Args:    cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Once(cmd, Mappings, func(ctx context.Context, _ config.Mappings, mappings port.Mappings) error {
				used, err := mappings.Of(ctx, month)
				if err == nil && len(used) == 0 {
					err = fmt.Errorf("%w: no import of %s used a mapping", port.ErrNotFound, month)
				}
				if err != nil {
					return err
				}
				return cli.Answer(cmd, mappingDocuments(used), func(w io.Writer) {
					for _, m := range mappingDocuments(used) {
						fmt.Fprintf(w, "# %s (%s), first used %s\n%s", m.Name, m.Fingerprint[:8], m.AddedAt, m.Text)
					}
				})
			})
		},
	}
	cli.MonthFlag(cmd, &month, " (required)")
	cli.AddOutput(cmd)
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitUnavailable, core.ExitInterrupted), cli.Configuration[config.Mappings]())
	return cmd
}

func mappingDocuments(used []port.MonthMapping) []mappingDocument {
	list := make([]mappingDocument, len(used))
	for i, m := range used {
		list[i] = mappingDocument{fmt.Sprintf("%x", m.Fingerprint), m.Name, m.AddedAt.UTC().Format("2006-01-02T15:04:05Z"), m.Text}
	}
	return list
}
