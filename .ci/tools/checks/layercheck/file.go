package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"path"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// sourceFile is one file of a package with what the rules ask about it.
type sourceFile struct {
	pass   *analysis.Pass
	syntax *ast.File
	path   string
	in     layer
	part   string
	test   bool // a _test.go file, or a package that exists for tests: its name says so, as in porttest
}

func filesOf(pass *analysis.Pass) []sourceFile {
	importPath := strings.TrimSuffix(pass.Pkg.Path(), "_test")
	in, part := layerOf(importPath)
	out := make([]sourceFile, 0, len(pass.Files))
	for _, syntax := range pass.Files {
		name := pass.Fset.Position(syntax.FileStart).Filename
		out = append(out, sourceFile{
			pass: pass, syntax: syntax, path: importPath, in: in, part: part,
			test: strings.HasSuffix(name, "_test.go") || strings.HasSuffix(path.Base(importPath), "test"),
		})
	}
	return out
}

// report says what was seen against a rule, and what to do.
func (f sourceFile) report(at token.Pos, seen, do string) {
	f.pass.Reportf(at, "[%s] %s: %s", f.pass.Analyzer.Name, seen, do)
}

// calls maps the names in a file by which something is called to the calls. A name that is used otherwise is not in it.
func (f sourceFile) calls() map[*ast.Ident]*ast.CallExpr {
	found := map[*ast.Ident]*ast.CallExpr{}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		if call, ok := node.(*ast.CallExpr); ok {
			if name := calledName(call.Fun); name != nil {
				found[name] = call
			}
		}
		return true
	})
	return found
}

// calledName is the identifier that names what a call calls; nil for a call of an expression.
func calledName(fun ast.Expr) *ast.Ident {
	switch fun := ast.Unparen(fun).(type) {
	case *ast.Ident:
		return fun
	case *ast.SelectorExpr:
		return fun.Sel
	case *ast.IndexExpr:
		return calledName(fun.X)
	}
	return nil
}

// constantText is the value of a constant string expression.
func (f sourceFile) constantText(expression ast.Expr) (string, bool) {
	value := f.pass.TypesInfo.Types[expression].Value
	if value == nil || value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(value), true
}
