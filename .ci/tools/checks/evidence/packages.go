package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// printPackages writes each package's imports and lines.
func printPackages(w io.Writer, root string) error {
	all, err := list(root, "work")
	if err != nil {
		return err
	}
	third := map[string]pkg{}
	deps, err := list(root, "-deps", "work")
	if err != nil {
		return err
	}
	for _, p := range deps {
		third[p.ImportPath] = p
	}
	slices.SortFunc(all, func(a, b pkg) int { return cmp.Compare(a.ImportPath, b.ImportPath) })
	fmt.Fprint(w, "\n## Packages\n\n| Package | files | lines | imports of the project | of third parties | of the standard library |\n|---|---:|---:|---:|---:|---:|\n")
	files, total := 0, 0
	for _, p := range all {
		n, err := p.lines()
		if err != nil {
			return err
		}
		ours, thirdParty, standard := 0, 0, 0
		for _, path := range p.Imports {
			switch imported := third[path]; {
			case imported.ours():
				ours++
			case imported.Standard:
				standard++
			default:
				thirdParty++
			}
		}
		files, total = files+len(p.GoFiles), total+n
		fmt.Fprintf(w, "| %s | %d | %d | %d | %d | %d |\n", p.short(), len(p.GoFiles), n, ours, thirdParty, standard)
	}
	fmt.Fprintf(w, "| all %d, tests excepted | %d | %d | | | |\n", len(all), files, total)
	return nil
}
