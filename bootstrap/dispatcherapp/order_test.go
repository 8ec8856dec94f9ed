package dispatcherapp

import (
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/domain/key"
)

// The command and its configuration read what CommandLine writes, whatever people write as a reason.
func TestAnOrdersCommandLineIsReadByTheCommand(t *testing.T) {
	month, err := key.ParseMonth("2026-11")
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range []port.RunOrder{
		{Month: month, Linger: true, By: port.Act{Actor: "김", Reason: "--reason \"$x\"; 'y'", ApprovedBy: "-박"}},
		{By: port.Act{Actor: "kim", Reason: "second run"}},
	} {
		list, environment := CommandLine(order)
		var a arguments
		cmd := &cobra.Command{}
		a.flags(cmd)
		if err := cmd.ParseFlags(list); err != nil {
			t.Fatal(err)
		}
		if a.month != order.Month || a.Actor != order.By.Actor || a.Reason != order.By.Reason || a.ApprovedBy != order.By.ApprovedBy {
			t.Errorf("%q is read as %+v", list, a)
		}
		for name, value := range environment {
			t.Setenv(name, value)
		}
		c, err := config.LoadPart[config.Dispatch](t.Context())
		if err != nil || c.Linger != order.Linger {
			t.Errorf("%v is read as %+v: %v", environment, c, err)
		}
	}
}
