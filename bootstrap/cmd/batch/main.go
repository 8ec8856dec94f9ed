// Command batch: run it with --help.
package main

import (
	_ "time/tzdata" // time zones are needed where the image has none

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/cli"
)

func main() { cli.Main(batchapp.NewCommand()) }
