// Command dispatcher: run it with --help.
package main

import (
	_ "time/tzdata" // time zones are needed where the image has none

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
)

func main() { cli.Main(dispatcherapp.NewCommand()) }
