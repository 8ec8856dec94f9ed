package main

import (
	"go/ast"
	"go/types"
	"regexp"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// writes matches SQL that changes something. Words inside identifiers (updated_at) do not count; words inside literals do,
// and so does FOR UPDATE: a lock outside a transaction holds nothing.
var writes = regexp.MustCompile(`(?i)\b(INSERT|UPDATE|DELETE|MERGE|COPY|TRUNCATE|CREATE|ALTER|DROP|GRANT|CALL|DO|ANALYZE|VACUUM)\b`)

const beginFirst = "begin a transaction (BeginTxx) and run it there"

// transactions refuses writes on a connection pool or a single connection.
var transactions = &analysis.Analyzer{
	Name: "sqltx",
	Doc:  "SQL that writes runs on a transaction: lib/pq repeats a statement outside one when the connection breaks",
	Run: func(pass *analysis.Pass) (any, error) {
		for _, f := range filesOf(pass) {
			if f.test || f.in == devtools {
				continue
			}
			calls := f.calls()
			for name, used := range f.functions() {
				if receiver := used.Signature().Recv(); receiver != nil && isDatabase(receiver.Type()) {
					f.checkDatabaseMethod(name, receiver.Type(), calls[name])
				}
			}
			for _, call := range calls {
				f.checkHandedOut(call)
			}
		}
		return nil, nil
	},
}

// checkDatabaseMethod judges one use of a method; call is nil where it is not called on the spot.
func (f sourceFile) checkDatabaseMethod(at *ast.Ident, receiver types.Type, call *ast.CallExpr) {
	name := at.Name
	switch {
	case strings.Contains(name, "Exec"):
		if text, known := f.statement(call); known && (text == "BEGIN" || text == "COMMIT" || text == "ROLLBACK") {
			return // it is the transaction
		}
		f.report(at.Pos(), typeName(receiver)+"."+name+" runs outside a transaction", beginFirst)
	case strings.HasPrefix(name, "Prepare"):
		f.report(at.Pos(), typeName(receiver)+"."+name+" prepares a statement for use outside a transaction",
			"prepare it on the transaction, or send the text")
	case strings.HasPrefix(name, "Query"), strings.HasPrefix(name, "NamedQuery"), name == "Get", name == "GetContext",
		name == "Select", name == "SelectContext":
		text, known := f.statement(call)
		switch {
		case !known:
			f.report(at.Pos(), typeName(receiver)+"."+name+" runs a text that is no constant, outside a transaction",
				"make the text a constant so that it can be checked, or "+beginFirst)
		case writes.MatchString(text):
			f.report(at.Pos(), typeName(receiver)+"."+name+" runs "+strings.ToUpper(writes.FindString(text))+" outside a transaction", beginFirst)
		}
	}
}

// statement is the SQL of a call: its first argument that is a string. Nothing is known of a method value.
func (f sourceFile) statement(call *ast.CallExpr) (text string, known bool) {
	if call == nil {
		return "", false
	}
	for _, argument := range call.Args {
		basic, ok := f.pass.TypesInfo.TypeOf(argument).Underlying().(*types.Basic)
		if ok && basic.Info()&types.IsString != 0 {
			return f.constantText(argument)
		}
	}
	return "", false
}

// checkHandedOut refuses to hand a pool to a function that wants something to execute on: a transaction must be given there.
func (f sourceFile) checkHandedOut(call *ast.CallExpr) {
	signature, ok := f.pass.TypesInfo.TypeOf(call.Fun).Underlying().(*types.Signature)
	if !ok {
		return
	}
	for i, argument := range call.Args {
		if i >= signature.Params().Len() {
			return
		}
		given := f.pass.TypesInfo.TypeOf(argument)
		wanted, ok := signature.Params().At(i).Type().Underlying().(*types.Interface)
		if ok && given != nil && executes(wanted) && executesOutside(given) {
			f.report(argument.Pos(), types.TypeString(given, (*types.Package).Name)+" is given as something to execute on", "begin a transaction (BeginTxx) and give that")
		}
	}
}

func executes(wanted *types.Interface) bool {
	for method := range wanted.Methods() {
		if strings.HasPrefix(method.Name(), "Exec") {
			return true
		}
	}
	return false
}

// executesOutside: the Exec methods of t are those of a pool or connection, its own or promoted from a field.
func executesOutside(t types.Type) bool {
	found, _, _ := types.LookupFieldOrMethod(t, true, nil, "ExecContext")
	method, ok := found.(*types.Func)
	return ok && method.Signature().Recv() != nil && isDatabase(method.Signature().Recv().Type())
}

// isDatabase: a pool or a single connection of database/sql or sqlx, not a transaction.
func isDatabase(t types.Type) bool {
	switch typeName(t) {
	case "sql.DB", "sql.Conn", "sqlx.DB", "sqlx.Conn":
		return true
	}
	return false
}

// typeName is package name and type name, without the pointer.
func typeName(t types.Type) string {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := types.Unalias(t).(*types.Named)
	if !ok || named.Obj().Pkg() == nil {
		return ""
	}
	return named.Obj().Pkg().Name() + "." + named.Obj().Name()
}
