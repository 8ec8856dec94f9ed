// Command evidence measures the workspace: what each binary links, what each package imports, and how many files a reader
// meets on each of the three journeys through the code. It runs on any checkout, so that two of them can be compared.
//
//	evidence [-root DIR] [-only binaries|packages|journeys] [-journey FILE]
//	evidence -check [-root DIR]    fail when a binary links what it may not, or what docs/architecture/binaries.md does not list
//	evidence -update [-root DIR]   write docs/architecture/binaries.md
//
// A journey file has a line for each journey: name | main package | entry functions | where it ends (see journeys.txt).
// journeys.sh lists the files that run on them.
//
// Exit status: 0 as expected, 1 the check found something, 2 the workspace could not be measured.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// project is the path that every module of the workspace begins with.
const project = "github.com/balsong/balsong/"

func main() {
	root := flag.String("root", ".", "directory of go.work")
	only := flag.String("only", "", "one part: binaries, packages or journeys")
	journeys := flag.String("journey", "", "file with the journeys (default: .ci/tools/checks/evidence/journeys.txt of the workspace)")
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
		err = printAll(os.Stdout, dir, *only, *journeys)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(2)
	}
	if found > 0 {
		os.Exit(1)
	}
}

func printAll(w io.Writer, root, only, journeyFile string) error {
	if journeyFile == "" {
		journeyFile = filepath.Join(root, ".ci/tools/checks/evidence/journeys.txt")
	}
	parts := []struct {
		name  string
		print func() error
	}{
		{"binaries", func() error { return printBinaries(w, root) }},
		{"packages", func() error { return printPackages(w, root) }},
		{"journeys", func() error { return printJourneys(w, root, journeyFile) }},
	}
	known := only == ""
	for _, part := range parts {
		if only != "" && only != part.name {
			continue
		}
		known = true
		if err := part.print(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if !known {
		return fmt.Errorf("unknown part %q: binaries, packages or journeys", only)
	}
	return nil
}
