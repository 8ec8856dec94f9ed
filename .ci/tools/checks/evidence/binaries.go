package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// binary is a command of the product with all that it links.
type binary struct {
	name    string
	path    string // import path
	linked  []pkg  // every package but those of the standard library
	modules []string
	size    int64 // bytes
}

func (b binary) count(which func(pkg) bool) (n int) {
	for _, p := range b.linked {
		if which(p) {
			n++
		}
	}
	return n
}

// megabytes is the size as the page writes it.
func (b binary) megabytes() float64 { return float64(b.size) / 1e6 }

// measureBinaries builds each command of the product, the development tools' included, and lists what it links.
func measureBinaries(root string) ([]binary, error) {
	all, err := list(root, "work")
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "evidence")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	var found []binary
	for _, p := range all {
		if !isCommand(p) {
			continue
		}
		b := binary{name: path.Base(p.ImportPath), path: p.ImportPath}
		if err := b.measure(root, filepath.Join(folder, b.name)); err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	slices.SortFunc(found, func(a, b binary) int { return cmp.Compare(a.size, b.size) })
	return found, nil
}

// isCommand reports whether p is a command of the product; the tests' own commands are none.
func isCommand(p pkg) bool {
	return p.Name == "main" && strings.Contains(p.ImportPath, "/cmd/") && !strings.Contains(p.ImportPath, "/e2e/")
}

func (b *binary) measure(root, file string) error {
	deps, err := list(root, "-deps", b.path)
	if err != nil {
		return err
	}
	modules := map[string]bool{}
	for _, p := range deps {
		if p.Standard {
			continue
		}
		b.linked = append(b.linked, p)
		if p.Module != nil && !p.ours() {
			modules[p.Module.Path] = true
		}
	}
	for module := range modules {
		b.modules = append(b.modules, module)
	}
	slices.Sort(b.modules)
	if _, err := goCommand(root, "build", "-ldflags=-s -w", "-o", file, b.path); err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	b.size = info.Size()
	return nil
}

func printBinaries(w io.Writer, root string) error {
	found, err := measureBinaries(root)
	if err != nil {
		return err
	}
	fmt.Fprint(w, "## Binaries\n\n")
	writeBinaries(w, found)
	return nil
}

// writeBinaries writes the table of binaries, and the modules of each.
func writeBinaries(w io.Writer, found []binary) {
	fmt.Fprint(w, "| Binary | MB | modules of third parties | packages of third parties | packages of the project |\n|---|---:|---:|---:|---:|\n")
	for _, b := range found {
		fmt.Fprintf(w, "| %s | %.1f | %d | %d | %d |\n", b.name, b.megabytes(), len(b.modules),
			b.count(func(p pkg) bool { return !p.ours() }), b.count(pkg.ours))
	}
	for _, b := range found {
		fmt.Fprintf(w, "\n### %s\n\n", b.name)
		for _, module := range b.modules {
			fmt.Fprintf(w, "- %s\n", module)
		}
	}
}
