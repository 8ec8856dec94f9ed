package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
	"golang.org/x/tools/go/ssa/ssautil"
)

// journey is a way through the code: from entry functions to everything that they reach, until packages where it ends.
type journey struct {
	name    string
	command string   // import path of the main package whose imports are production, without the project's path
	entries []string // functions as go/ssa writes them, without the project's path: (*application/deliver.Service).Run
	ends    []string // packages in which a function is counted, but not followed
}

func readJourneys(file string) ([]journey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []journey
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "|")
		if len(fields) != 4 {
			return nil, fmt.Errorf("%s:%d: want name | main package | entries | ends", file, i+1)
		}
		all = append(all, journey{strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1]), strings.Fields(fields[2]), strings.Fields(fields[3])})
	}
	return all, nil
}

// printJourneys writes the counts of each journey, and its files.
func printJourneys(w io.Writer, root, file string) error {
	all, err := readJourneys(file)
	if err != nil {
		return err
	}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedSyntax |
			packages.NeedTypes | packages.NeedTypesInfo | packages.NeedTypesSizes | packages.NeedExportFile,
		Dir: root, Env: environment(root),
	}, "work")
	if err != nil {
		return err
	}
	for _, p := range loaded {
		if len(p.Errors) > 0 {
			return fmt.Errorf("%s: %w", p.PkgPath, p.Errors[0])
		}
	}
	program, _ := ssautil.Packages(loaded, ssa.InstantiateGenerics)
	program.Build()
	functions := ssautil.AllFunctions(program)
	fmt.Fprint(w, "\n## Journeys\n\nFiles that define a function which the entry reaches; hops are calls from one file to another, and files that call each other are counted in pairs.\n\n")
	fmt.Fprint(w, "| Journey | files | functions | hops | pairs that call each other | files by folder |\n|---|---:|---:|---:|---:|---|\n")
	var details []string
	for _, j := range all {
		s, err := j.follow(program, functions, loaded, root)
		if err != nil {
			return fmt.Errorf("journey %s: %w", j.name, err)
		}
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %s |\n", j.name, len(s.files), s.functions, len(s.hops), s.mutual(), s.folders())
		details = append(details, fmt.Sprintf("\n### %s: from %s until %s\n\n%s", j.name, strings.Join(j.entries, ", "), strings.Join(j.ends, ", "), s.list()))
	}
	fmt.Fprint(w, strings.Join(details, ""))
	return nil
}

// production is the set of the project's packages that a command imports, directly or not.
func production(loaded []*packages.Package, command string) map[string]bool {
	byPath := map[string]*packages.Package{}
	for _, p := range loaded {
		byPath[p.PkgPath] = p
	}
	found := map[string]bool{}
	for queue := []string{project + command}; len(queue) > 0; queue = queue[1:] {
		p := byPath[queue[0]]
		if p == nil || found[queue[0]] || !strings.HasPrefix(queue[0], project) {
			continue
		}
		found[queue[0]] = true
		for path := range p.Imports {
			queue = append(queue, path)
		}
	}
	return found
}

// steps is what a journey met.
type steps struct {
	files     map[string]int // functions by file
	functions int
	hops      map[[2]string]bool
}

// mutual counts the pairs of files of which each calls the other.
func (s steps) mutual() (n int) {
	for hop := range s.hops {
		if hop[0] < hop[1] && s.hops[[2]string{hop[1], hop[0]}] {
			n++
		}
	}
	return n
}

func (s steps) folders() string {
	count := map[string]int{}
	for file := range s.files {
		count[file[:max(strings.LastIndex(file, "/"), 0)]]++
	}
	var out []string
	for _, folder := range sortedKeys(count) {
		out = append(out, fmt.Sprintf("%s %d", folder, count[folder]))
	}
	return strings.Join(out, ", ")
}

func (s steps) list() string {
	var out strings.Builder
	for _, file := range sortedKeys(s.files) {
		fmt.Fprintf(&out, "- %s: %d\n", file, s.files[file])
	}
	return out.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
