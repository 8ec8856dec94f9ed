package dispatcherapp

import (
	"strconv"

	"github.com/balsong/balsong/application/port"
)

// CommandLine is how the command dispatcher is called for an order: its arguments, and what its environment has beside what it
// always has.
func CommandLine(order port.RunOrder) (arguments []string, environment map[string]string) {
	if order.Month != 0 {
		arguments = append(arguments, "--month="+order.Month.String())
	}
	arguments = append(arguments, "--actor="+order.By.Actor, "--reason="+order.By.Reason)
	if order.By.ApprovedBy != "" {
		arguments = append(arguments, "--approved-by="+order.By.ApprovedBy)
	}
	return arguments, map[string]string{"BALSONG_DISPATCH_LINGER": strconv.FormatBool(order.Linger)}
}
