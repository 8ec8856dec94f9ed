// Command wordcheck keeps one word for one thing: it looks for the words that docs/design/glossary.md says are not used, in
// every file that git tracks: in identifiers (split at camelCase), comments, texts and documentation. It also counts anew what
// the documentation counts of the model's runs.
//
//	wordcheck [-root DIR] [-warn]
//
// Exit status: 0 nothing found, or -warn; 1 findings; 2 the check itself could not run.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// glossary holds the table of words that are not used.
const glossary = "docs/design/glossary.md"

func main() {
	root := flag.String("root", ".", "directory of the repository")
	warn := flag.Bool("warn", false, "print what is found, but do not fail")
	flag.Parse()
	n, err := check(*root)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "wordcheck:", err)
		os.Exit(2)
	case n > 0 && !*warn:
		os.Exit(1)
	}
}

func check(root string) (int, error) {
	table, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(glossary)))
	if err != nil {
		return 0, err
	}
	words, err := readTable(string(table))
	if err != nil {
		return 0, err
	}
	command := exec.Command("git", "ls-files", "-z")
	command.Dir = root
	listed, err := command.Output()
	if err != nil {
		return 0, fmt.Errorf("list the files of the repository: %w", err)
	}
	files, found := 0, 0
	for _, name := range strings.Split(strings.TrimRight(string(listed), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if os.IsNotExist(err) || skipped(name) || bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
			continue // deleted and not yet staged, or no text of ours
		}
		if err != nil {
			return 0, err
		}
		files++
		if strings.HasSuffix(name, ".md") || name == "Makefile" {
			wrong, err := wrongNumbers(root, string(text))
			if err != nil {
				return 0, err
			}
			for _, says := range wrong {
				found++
				fmt.Printf("%s: %s\n", name, says)
			}
		}
		for i, line := range strings.Split(string(text), "\n") {
			for _, f := range words.find(name, line) {
				found++
				fmt.Printf("%s:%d: %q: say %s (%s)\n", name, i+1, f.not, f.say, glossary)
			}
		}
		for _, f := range words.find(name, name) {
			found++
			fmt.Printf("%s: %q in the name: say %s (%s)\n", name, f.not, f.say, glossary)
		}
	}
	fmt.Printf("wordcheck: %d words that are not used, %d files, %d findings\n", len(words), files, found)
	return found, nil
}

// skipped: data, pictures, and the records that are never rewritten.
func skipped(name string) bool {
	return name == glossary || name == "CHANGELOG.md" || strings.HasPrefix(name, ".ci/tools/checks/wordcheck/") ||
		strings.Contains(name, "testdata/") || strings.HasPrefix(name, "docs/adr/00") && name < "docs/adr/0026" ||
		strings.HasSuffix(name, ".sum") || strings.HasSuffix(name, ".svg") || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".csv")
}
