package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// errRepeated says that a flag for one value was given several.
var errRepeated = errors.New("it takes one value")

// once is the value of a flag that takes one: where a command line names two, pflag would keep the last without a word.
type once struct {
	pflag.Value

	given bool
}

// Set sets the value, and refuses to replace it.
func (o *once) Set(text string) error {
	if o.given {
		return errRepeated
	}
	o.given = true
	return o.Value.Set(text)
}

// refuseRepeated lets each flag of a command be given once, unless it is a list.
func refuseRepeated(cmd *cobra.Command) {
	each := func(flag *pflag.Flag) {
		_, list := flag.Value.(pflag.SliceValue)
		_, done := flag.Value.(*once)
		if !list && !done {
			flag.Value = &once{Value: flag.Value}
		}
	}
	cmd.Flags().VisitAll(each)
	cmd.PersistentFlags().VisitAll(each)
}

// showDefaults gives the flags of a command their own values again: pflag writes the defaults in a help text by the values' types.
func showDefaults(cmd *cobra.Command) {
	each := func(flag *pflag.Flag) {
		if o, ok := flag.Value.(*once); ok {
			flag.Value = o.Value
		}
	}
	cmd.Flags().VisitAll(each)
	cmd.InheritedFlags().VisitAll(each)
}

// repeated says of a flag that was given twice that it takes one value; nil where err is another error.
func repeated(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.Is(err, errRepeated) && errors.As(err, &invalid) {
		return fmt.Errorf("the flag --%s is given more than once: %w", invalid.GetFlag().Name, errRepeated)
	}
	return nil
}
