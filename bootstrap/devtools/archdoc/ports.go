package archdoc

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

const (
	portPath     = project + "application/port"
	memoryPath   = project + "application/memory"
	porttestPath = project + "application/porttest"
)

// implementation is a type that has a port's methods.
type implementation struct{ pkg, name, file string }

// suite is a port's conformance suite: its promises, who runs it, and the tests that show that it can fail.
type suite struct {
	file     string
	promises []string
	runs     []implementation // test functions
	broken   []implementation
}

func portsPage(p *printer, s Sources) error {
	pkg, err := s.Code.find("application/port")
	if err != nil {
		return err
	}
	p.line("A port is what a use case needs of the world. The in-memory one and the real one run the same suite; for most promises there is")
	p.line("a port that breaks it on purpose, and a test that the suite notices.\n")
	comments := typeComments(pkg)
	files := map[string][]string{}
	var order []string
	for _, name := range pkg.Types.Scope().Names() {
		object := pkg.Types.Scope().Lookup(name)
		if _, ok := object.Type().Underlying().(*types.Interface); ok {
			file := s.Code.file(pkg, object.Pos())
			if files[file] == nil {
				order = append(order, file)
			}
			files[file] = append(files[file], name)
		}
	}
	slices.Sort(order)
	suites, all := s.Code.suites(), s.Code.implementations()
	if len(suites) == 0 {
		return errors.New("no conformance suite was found: have they moved?")
	}
	p.drawPorts(pkg, all)
	for _, file := range order {
		p.line("## %s\n", p.link(path.Base(file), file))
		for _, name := range files[file] {
			p.port(name, sentence(comments[name]), all[name], suites[name])
		}
	}
	return nil
}

// drawPorts shows which packages keep the ports of each file.
func (p *printer) drawPorts(pkg *packages.Package, all map[string][]implementation) {
	lines := []string{"flowchart LR", "  port[application/port]"}
	var drawn []string
	for _, name := range pkg.Types.Scope().Names() {
		for _, i := range all[name] {
			arrow := fmt.Sprintf("  %s[%s] --> port", path.Base(i.pkg), strings.TrimPrefix(i.pkg, project))
			if !strings.HasSuffix(i.pkg, "_test") && sectionOf(i.pkg) != "devtools" && !slices.Contains(drawn, arrow) {
				drawn = append(drawn, arrow)
			}
		}
	}
	slices.Sort(drawn)
	p.mermaid(append(lines, drawn...)...)
}

func (p *printer) port(name, says string, of []implementation, held suite) {
	p.line("### %s\n\n%s\n", name, says)
	list := func(title string, items []implementation, short func(implementation) string) {
		var links []string
		for _, i := range items {
			links = append(links, p.link(short(i), i.file))
		}
		if len(links) > 0 {
			p.line("- %s: %s", title, strings.Join(links, ", "))
		}
	}
	typeName := func(i implementation) string { return "`" + path.Base(i.pkg) + "." + i.name + "`" }
	testName := func(i implementation) string { return "`" + i.name + "`" }
	list("in memory", slices.DeleteFunc(slices.Clone(of), func(i implementation) bool { return i.pkg != memoryPath }), typeName)
	list("real", slices.DeleteFunc(slices.Clone(of), func(i implementation) bool { return i.pkg == memoryPath || sectionOf(i.pkg) == "devtools" }), typeName)
	list("decorated for tests", slices.DeleteFunc(slices.Clone(of), func(i implementation) bool { return sectionOf(i.pkg) != "devtools" }), typeName)
	if held.file == "" {
		p.line("- no suite of its own\n")
		return
	}
	list("suite", []implementation{{name: plural(len(held.promises), "promise"), file: held.file}}, func(i implementation) string { return i.name })
	list("run by", held.runs, testName)
	list("broken on purpose", held.broken, testName)
	p.line("\n<details><summary>what it promises</summary>\n")
	for _, promise := range held.promises {
		p.line("- %s", promise)
	}
	p.line("\n</details>\n")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// implementations are the types outside tests that have each port's methods.
func (w *workspace) implementations() map[string][]implementation {
	found := map[string][]implementation{}
	for _, pkg := range w.plain() {
		from := pkg.Imports[portPath]
		if from == nil || pkg.PkgPath == porttestPath {
			continue
		}
		for _, name := range from.Types.Scope().Names() {
			face, ok := from.Types.Scope().Lookup(name).Type().Underlying().(*types.Interface)
			if !ok {
				continue
			}
			for _, own := range pkg.Types.Scope().Names() {
				object, ok := pkg.Types.Scope().Lookup(own).(*types.TypeName)
				if !ok || types.IsInterface(object.Type()) || embedsPort(object.Type(), name) {
					continue
				}
				if types.Implements(object.Type(), face) || types.Implements(types.NewPointer(object.Type()), face) {
					found[name] = append(found[name], implementation{pkg.PkgPath, own, w.file(pkg, object.Pos())})
				}
			}
		}
	}
	return found
}

// embedsPort reports whether a struct only wraps a port to give it a type of its own, as fx needs it.
func embedsPort(t types.Type, port string) bool {
	body, ok := t.Underlying().(*types.Struct)
	if !ok || body.NumFields() != 1 || !body.Field(0).Embedded() {
		return false
	}
	named, ok := body.Field(0).Type().(*types.Named)
	return ok && named.Obj().Name() == port && named.Obj().Pkg().Path() == portPath
}

// suites are the conformance suites by the name of their port.
func (w *workspace) suites() map[string]suite {
	found := map[string]suite{}
	for _, pkg := range w.packages {
		if pkg.PkgPath == porttestPath && pkg.ForTest == "" {
			for _, fn := range functions(pkg) {
				if port, ok := strings.CutSuffix(fn.Name.Name, "Checks"); ok && ast.IsExported(port) {
					found[port] = suite{file: w.file(pkg, fn.Pos()), promises: promises(pkg, fn)}
				}
			}
		}
	}
	for _, pkg := range w.packages {
		if pkg.ForTest == "" {
			continue
		}
		for _, fn := range functions(pkg) {
			if !strings.HasPrefix(fn.Name.Name, "Test") {
				continue
			}
			at := implementation{pkg.PkgPath, fn.Name.Name, w.file(pkg, fn.Pos())}
			for port, s := range found {
				rejects := strings.HasPrefix(pkg.PkgPath, porttestPath) && rejectsSuite(fn, port)
				switch {
				case rejects && !slices.Contains(s.broken, at):
					s.broken = append(s.broken, at)
				case !rejects && runsSuite(fn, port) && !slices.Contains(s.runs, at):
					s.runs = append(s.runs, at)
				}
				found[port] = s
			}
		}
	}
	return found
}

func functions(pkg *packages.Package) (list []*ast.FuncDecl) {
	for _, file := range pkg.Syntax {
		for _, d := range file.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Body != nil {
				list = append(list, fn)
			}
		}
	}
	return list
}

// promises are the names of a suite's checks: the sentences in the function that lists them, and in those of its
// package that it calls for more.
func promises(pkg *packages.Package, fn *ast.FuncDecl) (list []string) {
	lists := map[string]*ast.FuncDecl{}
	for _, other := range functions(pkg) {
		if strings.HasSuffix(other.Name.Name, "Checks") {
			lists[other.Name.Name] = other
		}
	}
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil && strings.Contains(text, " ") {
				list = append(list, text)
			}
		case *ast.CallExpr:
			if callee, ok := n.Fun.(*ast.Ident); ok && lists[callee.Name] != nil && lists[callee.Name] != fn {
				list = append(list, promises(pkg, lists[callee.Name])...)
			}
		}
		return true
	})
	return list
}

// runsSuite reports whether a test runs a port's suite, alone or with those of its kind.
func runsSuite(fn *ast.FuncDecl, port string) bool {
	storage := !slices.Contains([]string{"Publisher", "Consumer", "ConsumerGroup", "EventReader", "Topics", "Gateway", "Permits", "Packs", "Cipher"}, port)
	eventLog := slices.Contains([]string{"Publisher", "Consumer", "ConsumerGroup", "EventReader", "Topics"}, port)
	names := calls(fn, "porttest")
	return slices.Contains(names, port) || storage && slices.Contains(names, "AllStorage") || eventLog && slices.Contains(names, "Events")
}

// rejectsSuite reports whether a test shows that a port's suite notices a broken port.
func rejectsSuite(fn *ast.FuncDecl, port string) bool {
	found := false
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr: // rejects(t, "Ledger", …)
			if callee, ok := n.Fun.(*ast.Ident); ok && callee.Name == "rejects" && len(n.Args) > 1 {
				literal, ok := n.Args[1].(*ast.BasicLit)
				found = found || ok && literal.Value == strconv.Quote(port)
			}
		case *ast.SelectorExpr: // porttest.Reject(t, porttest.CipherChecks(), …)
			found = found || n.Sel.Name == port+"Checks"
		}
		return !found
	})
	return found
}
