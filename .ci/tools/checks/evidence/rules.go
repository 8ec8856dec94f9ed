package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// binariesPage lists what each binary links; a person reviews each change of it.
const binariesPage = "docs/architecture/binaries.md"

// developmentBinary may link everything: it holds the embedded servers.
const developmentBinary = "balsong-dev"

// A linkRule names packages that some binaries must not link, and packages that no package of the project in them may import.
type linkRule struct {
	name     string
	binaries func(name string) bool
	linked   []string // import paths, with all below
	imported []string // by a package of the project
}

var linkRules = []linkRule{
	{
		name:     "no embedded server",
		binaries: func(name string) bool { return name != developmentBinary },
		linked: []string{
			project + "bootstrap/devtools", "github.com/fergusstrange/embedded-postgres", "github.com/twmb/franz-go/pkg/kfake", "github.com/versity/versitygw",
		},
	},
	{
		name:     "no CSV importer and no template compiler",
		binaries: func(name string) bool { return name == "delivery" || name == "dispatcher" },
		linked:   []string{project + "application/importing", project + "application/rendering", project + "application/prepare"},
		// A third party may bring a template package (cobra brings text/template); our own code may not ask for one.
		imported: []string{"html/template", "text/template", "encoding/csv"},
	},
}

// tolerance is how much a binary may grow without a review of the page.
const tolerance = 1.1

// breaches applies the rules to one binary: for each package that it may not link, or not import, the shortest way there.
func (b binary) breaches() (says []string) {
	for _, rule := range linkRules {
		if !rule.binaries(b.name) {
			continue
		}
		shortest := map[string]string{}
		keep := func(root, text string) {
			if known, ok := shortest[root]; !ok || len(text) < len(known) {
				shortest[root] = text
			}
		}
		for _, p := range b.linked {
			if root, ok := rootOf(p.ImportPath, rule.linked); ok {
				keep(root, b.chain(p.ImportPath))
			}
			for _, path := range p.Imports {
				if root, ok := rootOf(path, rule.imported); ok && p.ours() {
					keep(root, b.chain(p.ImportPath)+" → "+path)
				}
			}
		}
		for _, root := range slices.Sorted(maps.Keys(shortest)) {
			says = append(says, fmt.Sprintf("%s: %s, but it links %s", b.name, rule.name, shortest[root]))
		}
	}
	return says
}

// rootOf is which of the roots a path is, or lies below.
func rootOf(path string, roots []string) (string, bool) {
	i := slices.IndexFunc(roots, func(root string) bool { return within(path, []string{root}) })
	if i < 0 {
		return "", false
	}
	return roots[i], true
}

// chain is the shortest way of imports from the binary to a package.
func (b binary) chain(to string) string {
	imports := map[string][]string{}
	for _, p := range b.linked {
		imports[p.ImportPath] = p.Imports
	}
	cameFrom := map[string]string{b.path: ""}
	for queue := []string{b.path}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			var names []string
			for at := to; at != ""; at = cameFrom[at] {
				names = append(names, strings.TrimPrefix(at, project))
			}
			slices.Reverse(names)
			return strings.Join(names, " → ")
		}
		for _, next := range imports[queue[0]] {
			if _, seen := cameFrom[next]; !seen {
				cameFrom[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return to
}

func within(path string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return path == root || strings.HasPrefix(path, root+"/") })
}

// checkBinaries applies the rules, and compares with the page or writes it. It returns how much it found.
func checkBinaries(w io.Writer, root string, update bool) (int, error) {
	found, err := measureBinaries(root)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		return 0, fmt.Errorf("no command found at %s", root)
	}
	var says []string
	for _, b := range found {
		says = append(says, b.breaches()...)
	}
	page := filepath.Join(root, filepath.FromSlash(binariesPage))
	if update {
		if err := os.WriteFile(page, pageText(found), 0o644); err != nil { //nolint:gosec // a page for everybody
			return 0, err
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return 0, err
	}
	says = append(says, comparePage(string(text), found)...)
	for _, line := range says {
		fmt.Fprintln(w, line)
	}
	for _, b := range found {
		fmt.Fprintf(w, "%-12s %6.1f MB, %d modules and %d packages of third parties\n", b.name, b.megabytes(), len(b.modules), b.count(func(p pkg) bool { return !p.ours() }))
	}
	fmt.Fprintf(w, "evidence: %d binaries, %d findings\n", len(found), len(says))
	return len(says), nil
}

func pageText(found []binary) []byte {
	var out bytes.Buffer
	out.WriteString(`<!-- Written by ` + "`make binaries UPDATE=1`" + `. -->
# Binaries

What each binary links, and its size (stripped, linux/amd64). ` + "`make binaries`" + ` fails when a binary links a module that is not listed here, when it grows by
more than a tenth, when a binary other than balsong-dev links an embedded server, and when delivery or dispatcher links the CSV importer or the
template compiler. cobra brings text/template to every command; no package of the project in delivery or dispatcher imports a template package.

`)
	writeBinaries(&out, found)
	return out.Bytes()
}

var (
	sizeRow = regexp.MustCompile(`(?m)^\| (\S+) \| ([0-9.]+) \|`)
	section = regexp.MustCompile(`(?m)^### (\S+)$`)
)

// comparePage says what is not as the page has it.
func comparePage(text string, found []binary) (says []string) {
	sizes := map[string]float64{}
	for _, match := range sizeRow.FindAllStringSubmatch(text, -1) {
		var size float64
		_, _ = fmt.Sscanf(match[2], "%g", &size)
		sizes[match[1]] = size
	}
	listed := map[string]string{}
	places := section.FindAllStringSubmatchIndex(text, -1)
	for i, place := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		listed[text[place[2]:place[3]]] = text[place[1]:end] + "\n"
	}
	const review = ": review it, then `make binaries UPDATE=1`"
	for _, b := range found {
		modules, known := listed[b.name]
		if !known {
			says = append(says, b.name+" is not on "+binariesPage+review)
			continue
		}
		delete(listed, b.name)
		for _, module := range b.modules {
			if !strings.Contains(modules, "\n- "+module+"\n") {
				says = append(says, fmt.Sprintf("%s links %s, which %s does not list%s", b.name, module, binariesPage, review))
			}
		}
		if n := strings.Count(modules, "\n- "); n > len(b.modules) {
			says = append(says, fmt.Sprintf("%s links %d modules, and %s lists %d%s", b.name, len(b.modules), binariesPage, n, review))
		}
		if b.megabytes() > tolerance*sizes[b.name] {
			says = append(says, fmt.Sprintf("%s has %.1f MB, and %s says %.1f%s", b.name, b.megabytes(), binariesPage, sizes[b.name], review))
		}
	}
	for name := range listed {
		says = append(says, name+" is on "+binariesPage+", but there is no such command"+review)
	}
	return says
}
