package main

import (
	"go/token"
	"path/filepath"
	"sort"
	"strings"

	"golang.org/x/tools/go/packages"
)

// checkServices follows the imports of every command of bootstrap: none may reach an embedded server, by any path.
func (r *report) checkServices(root string) error {
	loaded, err := load(root, false, packages.NeedName|packages.NeedFiles|packages.NeedImports|packages.NeedDeps)
	if err != nil {
		return err
	}
	for _, pkg := range loaded {
		if in, _ := layerOf(pkg.PkgPath); in != bootstrap || pkg.Name != "main" {
			continue
		}
		if chain := chainToEmbedded(pkg); chain != nil {
			at := token.Position{Filename: root, Line: 1, Column: 1}
			if len(pkg.GoFiles) > 0 {
				at.Filename = pkg.GoFiles[0]
			} else {
				at.Filename = filepath.Join(root, "bootstrap")
			}
			r.add(at, ruleEmbedded, "a service depends on an embedded server: "+strings.Join(chain, " → "),
				"cut the chain: only commands below bootstrap/devtools may link it")
		}
	}
	return nil
}

// chainToEmbedded is the shortest chain of imports from a command to an embedded server; nil when there is none.
func chainToEmbedded(from *packages.Package) []string {
	cameFrom := map[*packages.Package]*packages.Package{from: nil}
	for queue := []*packages.Package{from}; len(queue) > 0; queue = queue[1:] {
		pkg := queue[0]
		if in, _ := layerOf(pkg.PkgPath); in == devtools || within(pkg.PkgPath, embeddedModules) {
			var chain []string
			for at := pkg; at != nil; at = cameFrom[at] {
				chain = append([]string{strings.TrimPrefix(at.PkgPath, project+"/")}, chain...)
			}
			return chain
		}
		for _, path := range sortedKeys(pkg.Imports) {
			if next := pkg.Imports[path]; !visited(cameFrom, next) {
				cameFrom[next] = pkg
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func visited(cameFrom map[*packages.Package]*packages.Package, pkg *packages.Package) bool {
	_, ok := cameFrom[pkg]
	return ok
}

func sortedKeys(imports map[string]*packages.Package) []string {
	keys := make([]string, 0, len(imports))
	for key := range imports {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
