// Command evidence measures the workspace: what each binary links, and what each package imports. It runs on any checkout, so
// that two of them can be compared. (journeys.sh lists the files that run on each of the three journeys through the code.)
//
//	evidence [-root DIR]           print the binaries and the packages
//	evidence -check [-root DIR]    fail when a binary links what it may not, or what docs/architecture/binaries.md does not list
//	evidence -update [-root DIR]   write docs/architecture/binaries.md
//
// Exit status: 0 as expected, 1 the check found something, 2 the workspace could not be measured.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// project is the path that every module of the workspace begins with.
const project = "github.com/balsong/balsong/"

func main() {
	root := flag.String("root", ".", "directory of go.work")
	check := flag.Bool("check", false, "compare the binaries with the rules and with "+binariesPage)
	update := flag.Bool("update", false, "write "+binariesPage)
	flag.Parse()
	dir, err := filepath.Abs(*root)
	found := 0
	switch {
	case err != nil:
	case *check || *update:
		found, err = checkBinaries(os.Stdout, dir, *update)
	default:
		err = errors.Join(printBinaries(os.Stdout, dir), printPackages(os.Stdout, dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(2)
	}
	if found > 0 {
		os.Exit(1)
	}
}
