package operatorcmd

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/answer"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/operatorapp"
	"github.com/balsong/balsong/bootstrap/preview"
	"github.com/balsong/balsong/domain/channel"
	"github.com/balsong/balsong/domain/key"
)

const statementHelp = `Show the stored statement of one customer's bill: exactly what goes out, or went out, on each channel, with where it goes (masked)
and what became of it. It is read from the store (BALSONG_S3_…), verified and opened with the keyset; nothing is rendered, sent or changed.
Without a month it is the latest month in which the customer has a bill; the answer says which one that is, and which others there are.

--html and --text write one part into a new file (or object, s3://bucket/key) that only you can read, byte for byte: --html the e-mail's HTML, --text the text of
--channel, without it the e-mail's plain text. The file name - is stdout.

How a bill would look that is not rendered yet, or with other templates: balsong render --preview.
To send it to the customer once more: balsong target copy.`

// statementFlags are the flags of "statement".
type statementFlags struct {
	channel    string
	html, text string
	number     int  // of a copy
	latest     bool // no month was asked for
}

// newStatement is the subcommand "statement".
func newStatement() *cobra.Command {
	f := &statementFlags{}
	cmd := &cobra.Command{
		Use: "statement [month] <customer number>", Args: monthAndCustomer,
		Short: "Show a customer's stored statement, exactly as it goes out", Long: statementHelp,
		Example: "  balsong statement 2026-11 7590-VHVEG\n  balsong statement 2026-11 7590-VHVEG --channel SMS --output json\n" +
			"  balsong statement 2026-11 7590-VHVEG --html bill.html",
		RunE:              f.run,
		ValidArgsFunction: completeMonthArgument,
	}
	cmd.Flags().StringVar(&f.channel, "channel", "", "only one of "+channel.Names())
	copyFlag(cmd, &f.number)
	cmd.Flags().StringVar(&f.html, "html", "", "write the e-mail's HTML to this new `file` or s3://bucket/key, or to stdout (-)")
	cmd.Flags().StringVar(&f.text, "text", "", "write the channel's text to this new `file` or s3://bucket/key, or to stdout (-)")
	describe[config.Statement](cmd)
	return cmd
}

func (f *statementFlags) run(cmd *cobra.Command, args []string) error {
	kinds, err := f.kinds(cmd)
	if err != nil {
		return err
	}
	month, customer := key.Month(0), args[len(args)-1]
	f.latest = len(args) == 1
	if len(args) > 1 {
		if month, err = key.ParseMonth(args[0]); err != nil {
			return cli.Usage(err)
		}
	}
	return withUseCases(cmd, operatorapp.Statements, func(ctx context.Context, u operatorapp.UseCases) error {
		s, err := u.Answers.Stored(ctx, month, customer, f.number, kinds...)
		if err != nil {
			return about(customer, err)
		}
		if len(s.Channels) == 0 {
			return fmt.Errorf("customer %q: %w: the statement has nothing for %s", customer, port.ErrNotFound, f.channel)
		}
		return f.answer(cmd, s)
	})
}

// kinds are the channels that the flags ask for; all where there are none.
func (f *statementFlags) kinds(cmd *cobra.Command) (kinds []channel.Kind, err error) {
	if f.channel != "" {
		kind, err := channel.Parse(f.channel)
		if err != nil {
			return nil, cli.Usagef("--channel: %w", err)
		}
		kinds = []channel.Kind{kind}
	} else if f.html != "" || f.text != "" {
		kinds = []channel.Kind{channel.Email}
	}
	switch {
	case f.html != "" && kinds[0] != channel.Email:
		return nil, cli.Usagef("--html is of the e-mail: %s has none", kinds[0])
	case f.html == stdout && f.text == stdout, (f.html == stdout || f.text == stdout) && cli.Output(cmd) == core.JSON:
		return nil, cli.Usagef("stdout can hold one answer")
	}
	return kinds, nil
}

// answer writes the parts that were asked for into files, or shows the statement.
func (f *statementFlags) answer(cmd *cobra.Command, s answer.Stored) error {
	parts := []struct{ flag, path, text string }{{"--html", f.html, s.Channels[0].HTML}, {"--text", f.text, s.Channels[0].Text}}
	var written []string
	for _, part := range parts {
		if part.path == "" {
			continue
		}
		err := writeNamed(cmd, part.flag, part.path, func(w io.Writer) error {
			_, err := io.WriteString(w, part.text)
			return err
		})
		if err != nil {
			return err
		}
		if part.path != stdout {
			written = append(written, part.path)
		}
	}
	if f.html == stdout || f.text == stdout {
		return nil
	}
	return cli.Answer(cmd, documentOfStatement(s, written), func(w io.Writer) {
		if f.latest {
			fmt.Fprintln(w, wrapped(monthTaken("statement", s.Month, s.Customer, s.OtherMonths), "", ""))
		}
		if len(written) == 0 {
			_ = shown(s).Text(w) // it is not wrong
			return
		}
		fmt.Fprintln(w, storedNote(s))
		for _, path := range written {
			fmt.Fprintln(w, "written: "+path)
		}
	})
}

// statementDocument is a stored statement for programs.
type statementDocument struct {
	answer.Stored

	Channels []variantDocument `json:"channels"`
	Written  []string          `json:"written,omitempty"` // files
}

// variantDocument adds to a text message how much of its bounds it takes.
type variantDocument struct {
	answer.StoredVariant

	Bytes    int `json:"bytes_euc_kr,omitempty"`
	MaxBytes int `json:"max_bytes_euc_kr,omitempty"`
}

func documentOfStatement(s answer.Stored, written []string) statementDocument {
	document := statementDocument{Stored: s, Written: written, Channels: []variantDocument{}}
	for _, v := range s.Channels {
		d := variantDocument{StoredVariant: v}
		if v.Channel == channel.SMS {
			d.Bytes, d.MaxBytes = rendering.MessageBytes(v.Text), preview.MaxBytes(v.Class)
		}
		document.Channels = append(document.Channels, d)
	}
	return document
}
