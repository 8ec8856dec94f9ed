// Command balsong is Balsong for people: every part and every task as a
// subcommand.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // time zones are needed where the machine has none

	"github.com/balsong/balsong/bootstrap/devtools/command"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func main() {
	child.Main()
	os.Exit(command.Run(context.Background(), os.Args[1:]))
}
