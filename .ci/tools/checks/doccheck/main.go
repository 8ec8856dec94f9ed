// Command doccheck reads every Markdown file of the repository as a reader would.
//
// Links to files and headings must lead somewhere (links to other sites are not tried). Every Mermaid block is rendered
// in a browser and must be legible on a phone; the event contract must be the AsyncAPI 3 that it says it is. Each finding
// names file and line.
//
//	doccheck [-root DIR] [-shots DIR]
//
// Rendering needs Chromium and npm, which fetches a pinned Mermaid once. Where one is missing it is skipped, loudly;
// with CI=true that is a failure.
//
// Exit status: 0 nothing found, 1 findings, 2 the check itself could not run.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A finding is one thing that is wrong: where, and what.
type finding struct {
	file string
	line int
	says string
}

func main() {
	root := flag.String("root", ".", "directory of the repository")
	shots := flag.String("shots", "", "write a picture of each diagram, as on a phone, into this directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	code, err := run(ctx, *root, *shots)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doccheck:", err)
		code = 2
	}
	os.Exit(code)
}

func run(ctx context.Context, root, shots string) (int, error) {
	pages, err := readPages(root)
	if err != nil {
		return 2, err
	}
	findings := checkLinks(root, pages)
	blocks := diagrams(pages)
	missing := ""
	browser, err := newBrowser(ctx)
	if err != nil {
		missing = err.Error()
	} else {
		defer browser.close()
		drawn, err := browser.check(blocks, shots)
		if err != nil {
			return 2, err
		}
		wrong, err := checkContract(ctx, root)
		if err != nil {
			return 2, err
		}
		findings = append(append(findings, drawn...), wrong...)
	}
	slices.SortFunc(findings, func(a, b finding) int { return cmp.Or(strings.Compare(a.file, b.file), a.line-b.line) })
	for _, f := range findings {
		fmt.Printf("%s:%d: %s\n", f.file, f.line, f.says)
	}
	fmt.Printf("doccheck: %d pages, %d diagrams, %d findings\n", len(pages), len(blocks), len(findings))
	return verdict(len(findings), missing), nil
}

// verdict is the exit status; what could not be checked fails in CI and is said loudly elsewhere.
func verdict(findings int, missing string) int {
	if missing != "" && os.Getenv("CI") == "true" {
		fmt.Fprintln(os.Stderr, "MISSING: the diagrams were not rendered:", missing)
		return 1
	}
	if missing != "" {
		fmt.Fprintln(os.Stderr, "SKIPPED: the diagrams were not rendered:", missing)
	}
	if findings > 0 {
		return 1
	}
	return 0
}

// readPages reads every Markdown file; what tools leave behind is passed over.
func readPages(root string) ([]page, error) {
	var pages []page
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") && name != ".ci" || name == "bin" || name == "node_modules" || name == "testdata" || name == "work"):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".md"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		pages = append(pages, parse(filepath.ToSlash(relative), text))
		return err
	})
	return pages, err
}
