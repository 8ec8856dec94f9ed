package operatorcmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/bill"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/fileio"
	"github.com/balsong/balsong/bootstrap/preview"
	"github.com/balsong/balsong/bootstrap/trialapp"
	"github.com/balsong/balsong/domain/key"
)

const renderHelp = `Show one bill as each channel would show it. Nothing is sent, stored or marked.

On the terminal it shows the texts; --html writes a page for the browser; --serve shows that page on
this machine and makes it anew each time you load it, so that you can change a template, look, and
change it again.

Of a customer whose statement is rendered it shows the stored one, exactly as it goes out or went out
(see also balsong statement). It renders the bill now, as a trial, where --templates, --sender or
--class is given, and where nothing is stored; it says which of them it shows.

A customer's bill is read from the database (DATABASE_URL) with the keyset (BALSONG_KEYSET or
BALSONG_KEYSET_FILE), a stored statement from the store (BALSONG_S3_…); --sample needs none of them.
To render a whole month: balsong batch render.`

// renderPreview are the flags of "render".
type renderPreview struct {
	billChoice
	preview, serve bool
	html, addr     string
}

// newRender is the subcommand "render".
func newRender() *cobra.Command {
	a := &renderPreview{}
	cmd := &cobra.Command{
		Use:   "render --preview MONTH CUSTOMER",
		Short: "Show one bill as each channel would show it, and send nothing",
		Long:  renderHelp,

		Args: cobra.MaximumNArgs(2),
		Example: "  balsong render --preview 2026-11 7590-VHVEG\n" +
			"  balsong render --preview --sample ko --templates words --serve\n" +
			"  balsong render --preview 2026-11 7590-VHVEG --templates words --html bill.html",
		RunE: func(cmd *cobra.Command, args []string) error { return a.run(cmd, args) },
	}
	a.flags(cmd)
	cmd.Flags().BoolVar(&a.preview, "preview", false, "show one bill (balsong batch render renders a whole month)")
	cmd.Flags().BoolVar(&a.serve, "serve", false, "show it in the browser, made anew at each load, until Ctrl-C")
	cmd.Flags().StringVar(&a.addr, "addr", "127.0.0.1:0", "host:port of the page of --serve; port 0 takes a free one")
	cmd.Flags().StringVar(&a.html, "html", "", "write the page to this `file` or s3://bucket/key, or to stdout (-)")
	describe[config.Preview](cmd)
	return cmd
}

func (a *renderPreview) run(cmd *cobra.Command, args []string) error {
	if !a.preview {
		return cli.Usagef("say --preview to look at one bill; a whole month is rendered by `balsong batch render --month 2026-11`")
	}
	if len(args) > 0 {
		var err error
		if a.month, err = key.ParseMonth(args[0]); err != nil {
			return cli.Usage(err)
		}
	}
	if len(args) > 1 {
		a.customer = args[1]
	}
	return a.withBill(cmd, func(ctx context.Context, billed bill.Bill, month key.Month, _ *trialapp.Bills) error {
		switch {
		case a.serve:
			return cli.ServePage(ctx, preview.Handler(func() preview.Bill { return a.make(billed, month) }), func(at net.Addr) {
				fmt.Fprintf(cmd.OutOrStdout(), "Preview  http://%s/  (load it again after each change; Ctrl-C ends it)\n", at)
			}, a.addr)
		case a.html != "":
			return writePreview(cmd, a.html, a.make(billed, month))
		default:
			return a.make(billed, month).Text(cmd.OutOrStdout())
		}
	})
}

// writePreview writes the page to a file that only its owner reads: it is a customer's bill.
// One on this machine is written anew after each change of a template, as the browser's page is loaded anew.
func writePreview(cmd *cobra.Command, path string, made preview.Bill) error {
	if made.Wrong != nil {
		return made.Wrong
	}
	if path == stdout || fileio.IsObject(path) {
		return writeNamed(cmd, "--html", path, made.Page)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(made.Page(file), file.Close()); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s: open it in a browser\n", path)
	return nil
}
