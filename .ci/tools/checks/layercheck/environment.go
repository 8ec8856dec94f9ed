package main

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

var environment = &analysis.Analyzer{
	Name: "env",
	Doc:  "only bootstrap reads the environment; tests elsewhere read BALSONG_TEST_… alone",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, f := range filesOf(pass) {
			if f.in != bootstrap && f.in != devtools {
				f.checkEnvironment()
			}
		}
		return nil, nil
	},
}

// environmentFunctions by package.
var environmentFunctions = map[string]map[string]bool{
	"os":      set("Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"),
	"syscall": set("Getenv", "Environ", "Setenv", "Unsetenv", "Clearenv"),
}

// checkEnvironment goes by the functions' types: aliases and dot imports do not hide them.
func (f sourceFile) checkEnvironment() {
	calls := f.calls()
	for name, used := range f.functions() {
		from := used.Pkg().Path()
		if used.Signature().Recv() == nil && environmentFunctions[from][used.Name()] && !f.readsTestVariable(calls[name]) {
			f.report(name.Pos(), from+"."+used.Name()+" in "+f.path,
				"take the value as a parameter; bootstrap/config reads the environment (tests may read BALSONG_TEST_… variables)")
		}
	}
}

// functions are the functions and methods that a file uses, by the names in it.
func (f sourceFile) functions() map[*ast.Ident]*types.Func {
	found := map[*ast.Ident]*types.Func{}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		if name, ok := node.(*ast.Ident); ok {
			if used, ok := f.pass.TypesInfo.Uses[name].(*types.Func); ok && used.Pkg() != nil {
				found[name] = used
			}
		}
		return true
	})
	return found
}

// readsTestVariable allows tests to read what `make test` sets. A name that is no constant is a test's own lookup function.
func (f sourceFile) readsTestVariable(call *ast.CallExpr) bool {
	if !f.test || call == nil || len(call.Args) == 0 {
		return false
	}
	name, known := f.constantText(call.Args[0])
	return !known || strings.HasPrefix(name, "BALSONG_TEST_")
}
