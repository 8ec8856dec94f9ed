package batchapp

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
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
	cmd := &cobra.Command{
		Use:     "mappings --month MONTH",
		Short:   "Show the mappings with which a month's files were imported",
		Long:    "Show the mappings with which a month's files were imported, as they were then, without those of imports that came to no bills or were taken back.\nTimes are in the ACTIVE policy's zone; without such a policy in UTC.",
		Example: "  batch mappings --month 2026-11 > november.mapping.yaml",
	}
	return showRecords(cmd, func(ctx context.Context, records Records, month key.Month) (any, func(io.Writer), error) {
		used, err := records.Mappings.Of(ctx, month)
		if err == nil && len(used) == 0 {
			err = fmt.Errorf("%w: no bill of %s was imported with a mapping", port.ErrNotFound, month)
		}
		if err != nil {
			return nil, nil, err
		}
		zone, err := records.zone(ctx)
		list := mappingDocuments(used)
		return list, func(w io.Writer) {
			for i, m := range list {
				fmt.Fprintf(w, "# %s (%s), first used %s\n%s\n", m.Name, m.Fingerprint[:8], answer.Clock(used[i].AddedAt, zone), strings.TrimSuffix(m.Text, "\n"))
			}
		}, err
	})
}

// showRecords completes a command that shows what is recorded of a month: for programs, and for people.
func showRecords(cmd *cobra.Command, find func(ctx context.Context, records Records, month key.Month) (document any, print func(io.Writer), err error)) *cobra.Command {
	var month key.Month
	cmd.Args = cli.NoArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return cli.Once(cmd, Recording, func(ctx context.Context, _ config.Records, records Records) error {
			document, print, err := find(ctx, records, month)
			if err != nil {
				return err
			}
			return cli.Answer(cmd, document, print)
		})
	}
	cli.MonthFlag(cmd, &month, " (required)")
	cli.Require(cmd, "month")
	cli.AddOutput(cmd)
	cli.Describe(cmd, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitUnavailable, core.ExitInterrupted), cli.Configuration[config.Records]())
	return cmd
}

func mappingDocuments(used []port.MonthMapping) []mappingDocument {
	list := make([]mappingDocument, len(used))
	for i, m := range used {
		list[i] = mappingDocument{fmt.Sprintf("%x", m.Fingerprint), m.Name, m.AddedAt.UTC().Format("2006-01-02T15:04:05Z"), m.Text}
	}
	return list
}
