package main

import (
	"strconv"

	"golang.org/x/tools/go/analysis"
)

// adapters applies every rule that an import alone can break and that no linter knows. (Which layer may import what is
// depguard's, in .golangci.yml.)
var adapters = &analysis.Analyzer{
	Name: "adapter",
	Doc:  "an adapter imports neither another adapter nor bootstrap; migrations import nothing of the project; every package belongs to a layer",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, f := range filesOf(pass) {
			f.checkImports()
		}
		return nil, nil
	},
}

func (f sourceFile) checkImports() {
	if f.in == strange {
		f.report(f.syntax.Name.Pos(), "package "+f.path+" belongs to no layer", "move it below domain, application, adapters/<technology>, migrations or bootstrap")
		return
	}
	for _, spec := range f.syntax.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		in, part := layerOf(path)
		switch {
		case f.in == adapter && (in == adapter && part != f.part || in == bootstrap || in == devtools):
			f.report(spec.Pos(), "package "+f.path+" imports "+path, "share through a port in application, or wire both in bootstrap")
		case f.in == migrations && in != outside && in != migrations:
			f.report(spec.Pos(), "package "+f.path+" imports "+path, "migrations hold SQL and their embed, nothing that knows the product's types")
		}
	}
}
