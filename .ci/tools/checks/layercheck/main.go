// Command layercheck keeps the layers of the workspace apart.
//
// It loads every package of the Go workspace, tests included, and applies the rules that no linter knows: SQL outside a
// transaction, the environment, adapters that import each other. (Which layer may import what, and the clock, are rules of
// depguard and forbidigo in .golangci.yml.) Each finding names file and line, the rule, and what to do.
//
//	layercheck [-root DIR]   check the workspace at DIR (default: the nearest go.work upwards)
//	layercheck -rules        print the rules
//
// Exit status: 0 nothing found, 1 findings, 2 the workspace could not be loaded.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	root := flag.String("root", "", "directory of go.work (default: the nearest one upwards)")
	list := flag.Bool("rules", false, "print the rules and exit")
	flag.Parse()
	if *list {
		printRules(os.Stdout)
		return
	}
	dir, err := workspaceRoot(*root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "layercheck:", err)
		os.Exit(2)
	}
	report, err := check(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "layercheck:", err)
		os.Exit(2)
	}
	for _, finding := range report.findings {
		fmt.Println(finding)
	}
	fmt.Printf("layercheck: %d packages, %d files, %d findings\n", report.packages, report.files, len(report.findings))
	if len(report.findings) > 0 {
		os.Exit(1)
	}
}

func printRules(w io.Writer) {
	for _, rule := range allRules {
		fmt.Fprintf(w, "%-10s %s\n", rule.name, rule.says)
	}
}

// workspaceRoot returns the absolute directory that holds go.work.
func workspaceRoot(given string) (string, error) {
	dir, err := filepath.Abs(given)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if given != "" || parent == dir {
			return "", errors.New("no go.work found: run it inside the workspace or give -root")
		}
		dir = parent
	}
}
