package main

import (
	"go/ast"
	"go/constant"
	"go/types"
	"strings"
)

// environmentFunctions by package.
var environmentFunctions = map[string]map[string]bool{
	"os":      set("Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv"),
	"syscall": set("Getenv", "Environ", "Setenv", "Unsetenv", "Clearenv"),
}

// checkCalls applies the rules on functions and methods, by their types: aliases and dot imports do not hide them.
func (r *report) checkCalls(f sourceFile) {
	info := f.pkg.TypesInfo
	calledWith := map[*ast.Ident]*ast.CallExpr{}
	ast.Inspect(f.pkg.Syntax[f.index], func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.CallExpr:
			if name := calledName(node.Fun); name != nil {
				calledWith[name] = node
			}
			r.checkHandedOut(f, node)
		case *ast.Ident:
			if function, ok := info.Uses[node].(*types.Func); ok && function.Pkg() != nil {
				r.checkFunction(f, node, function, calledWith[node])
			}
		}
		return true
	})
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

// checkFunction judges one use of a function or method; call is nil when it is not called on the spot.
func (r *report) checkFunction(f sourceFile, at *ast.Ident, function *types.Func, call *ast.CallExpr) {
	if receiver := function.Signature().Recv(); receiver != nil {
		r.checkDatabaseMethod(f, at, function, receiver.Type(), call)
		return
	}
	from, name := function.Pkg().Path(), function.Name()
	if environmentFunctions[from][name] && f.in != bootstrap && f.in != devtools && !f.readsTestVariable(call) {
		r.add(f.position(at.Pos()), ruleEnvironment, from+"."+name+" in "+f.path,
			"take the value as a parameter; bootstrap/config reads the environment (tests may read BALSONG_TEST_… variables)")
	}
}

// readsTestVariable allows tests to read what `make test` sets. A name that is no constant is a test's own lookup function.
func (f sourceFile) readsTestVariable(call *ast.CallExpr) bool {
	if !f.test || call == nil || len(call.Args) == 0 {
		return false
	}
	name, known := f.constantText(call.Args[0])
	return !known || strings.HasPrefix(name, "BALSONG_TEST_")
}

// constantText is the value of a constant string expression.
func (f sourceFile) constantText(expression ast.Expr) (string, bool) {
	value := f.pkg.TypesInfo.Types[expression].Value
	if value == nil || value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(value), true
}
