package main

import (
	"fmt"
	"strconv"
)

// checkImports applies every rule that an import alone can break and that no linter knows: an adapter imports no other one.
// (Which layer may import what is depguard's, in .golangci.yml.)
func (r *report) checkImports(f sourceFile) {
	if f.in == strange {
		r.add(f.position(f.pkg.Syntax[f.index].Name.Pos()), ruleLayout, "package "+f.path+" belongs to no layer",
			"move it below domain, application, adapters/<technology>, migrations or bootstrap")
		return
	}
	for _, spec := range f.pkg.Syntax[f.index].Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		in, part := layerOf(path)
		switch {
		case f.in == adapter && (in == adapter && part != f.part || in == bootstrap || in == devtools):
			r.add(f.position(spec.Pos()), ruleAdapter, fmt.Sprintf("package %s imports %s", f.path, path), "share through a port in application, or wire both in bootstrap")
		case f.in == migrations && in != outside && in != migrations:
			r.add(f.position(spec.Pos()), ruleAdapter, fmt.Sprintf("package %s imports %s", f.path, path), "migrations hold SQL and their embed, nothing that knows the product's types")
		}
	}
}
