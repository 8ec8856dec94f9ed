// Command balsong-dev holds what runs on a developer's machine alone: run it with --help.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // time zones are needed where the machine has none

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/command"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

func main() {
	child.Main()
	os.Exit(cli.Run(context.Background(), command.New(), os.Args[1:], os.Stdout, os.Stderr)) // each command has its own signals
}
