package cli

import (
	"errors"
	"os/user"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/domain/key"
)

// By are the flags that say who acts and why.
type By struct{ Actor, Reason, ApprovedBy string }

// ActorFlags adds --actor, whose default is the user of this process, and --reason with a default and its help.
func (b *By) ActorFlags(cmd *cobra.Command, reason, help string) {
	cmd.Flags().StringVar(&b.Actor, "actor", userName(), "who does this; recorded")
	cmd.Flags().StringVar(&b.Reason, "reason", reason, help)
}

// ApproverFlag adds --approved-by.
func (b *By) ApproverFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&b.ApprovedBy, "approved-by", "", "a note on who approved it, in free text: recorded and shown, and checked by nobody")
}

// Named reports whether both an actor and a reason are given.
func (b *By) Named() bool { return b.Actor != "" && b.Reason != "" }

// Act is what the flags say, as of now.
func (b *By) Act() port.Act {
	return port.Act{Actor: b.Actor, Reason: b.Reason, At: time.Now(), ApprovedBy: b.ApprovedBy}
}

// fileName is the value of a flag that names a file.
type fileName struct{ name *string }

// FileFlag adds a flag that names a file, or an object. It refuses -, which elsewhere is the standard input or output: a file of
// that name would be read or written without a word.
func FileFlag(flags *pflag.FlagSet, name *string, flag, usage string) {
	flags.Var(fileName{name}, flag, usage)
}

// Set implements pflag.Value.
func (f fileName) Set(name string) error {
	if name == "-" {
		return errors.New("the standard input and output cannot be named here; a file of that name is ./-")
	}
	*f.name = name
	return nil
}

// String implements pflag.Value.
func (f fileName) String() string {
	if f.name == nil {
		return ""
	}
	return *f.name
}

// Type implements pflag.Value.
func (fileName) Type() string { return "file" }

// instant is the value of a flag that is an instant.
type instant struct{ at *time.Time }

// InstantFlag adds a flag whose value is an instant; it stays the zero time where it is not given.
func InstantFlag(flags *pflag.FlagSet, at *time.Time, name, usage string) {
	flags.Var(instant{at}, name, usage)
}

// Set implements pflag.Value.
func (i instant) Set(text string) error {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return errors.New("want date, time and offset, as in 2026-11-25T09:40:00+09:00")
	}
	*i.at = at
	return nil
}

// String implements pflag.Value.
func (i instant) String() string {
	if i.at == nil || i.at.IsZero() {
		return ""
	}
	return i.at.Format(time.RFC3339)
}

// Type implements pflag.Value.
func (instant) Type() string { return "instant" }

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// MonthFlag adds --month, a billing month; it stays 0 where it is not given.
func MonthFlag(cmd *cobra.Command, month *key.Month, help string) {
	cmd.Flags().Func("month", "billing `month`, as in 2026-11"+help, func(text string) (err error) {
		*month, err = key.ParseMonth(text)
		return err
	})
}
