package archdoc

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// workspace is every package of the project, tests included.
type workspace struct {
	root     string
	packages []*packages.Package // sorted by path
}

// load reads and type-checks the workspace, without cgo, so that no C compiler is needed.
func load(root string) (*workspace, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports | packages.NeedModule |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedForTest,
		Dir: root, Tests: true,
		Env: append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "CGO_ENABLED=0", "GOFLAGS="),
	}, "work")
	if err != nil {
		return nil, fmt.Errorf("load the workspace at %s: %w", root, err)
	}
	w := &workspace{root: root}
	for _, pkg := range loaded {
		for _, problem := range pkg.Errors {
			err = errors.Join(err, problem)
		}
		if !strings.HasSuffix(pkg.ID, ".test") { // the generated test main
			w.packages = append(w.packages, pkg)
		}
	}
	slices.SortFunc(w.packages, func(a, b *packages.Package) int { return cmp.Compare(a.ID, b.ID) })
	return w, err
}

// plain lists the packages without their tests.
func (w *workspace) plain() []*packages.Package {
	return slices.DeleteFunc(slices.Clone(w.packages), func(p *packages.Package) bool { return p.ForTest != "" })
}

// find returns the package at a path below the project, without its tests.
func (w *workspace) find(path string) (*packages.Package, error) {
	for _, pkg := range w.plain() {
		if pkg.PkgPath == project+path {
			return pkg, nil
		}
	}
	return nil, fmt.Errorf("there is no package %s", path)
}

// file is where a position lies, from the root of the repository.
func (w *workspace) file(pkg *packages.Package, pos token.Pos) string {
	name := pkg.Fset.Position(pos).Filename
	relative, err := filepath.Rel(w.root, name)
	if err != nil {
		return name
	}
	return filepath.ToSlash(relative)
}

// comment is the package comment; the longest, where several files have one.
func comment(pkg *packages.Package) string {
	text := ""
	for _, file := range pkg.Syntax {
		if file.Doc != nil && len(file.Doc.Text()) > len(text) {
			text = file.Doc.Text()
		}
	}
	return text
}

// typeComments are the doc comments of a package's types, by name.
func typeComments(pkg *packages.Package) map[string]string {
	comments := map[string]string{}
	eachType(pkg, func(spec *ast.TypeSpec, doc *ast.CommentGroup) { comments[spec.Name.Name] = doc.Text() })
	return comments
}

func eachType(pkg *packages.Package, do func(spec *ast.TypeSpec, doc *ast.CommentGroup)) {
	for _, file := range pkg.Syntax {
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.TYPE {
				continue
			}
			for _, s := range group.Specs {
				spec, ok := s.(*ast.TypeSpec)
				if !ok {
					continue
				}
				doc := spec.Doc
				if doc == nil {
					doc = group.Doc
				}
				do(spec, doc)
			}
		}
	}
}

// fieldComments are the comments of a struct's fields, before or behind the field, by the field's name.
func fieldComments(pkg *packages.Package, structName string) map[string]string {
	comments := map[string]string{}
	eachType(pkg, func(spec *ast.TypeSpec, _ *ast.CommentGroup) {
		body, ok := spec.Type.(*ast.StructType)
		if !ok || spec.Name.Name != structName {
			return
		}
		for _, field := range body.Fields.List {
			text := strings.TrimSpace(field.Doc.Text() + field.Comment.Text())
			for _, name := range field.Names {
				comments[name.Name] = text
			}
		}
	})
	return comments
}

// calls lists the functions of another package that a function calls or names, by their names.
func calls(fn *ast.FuncDecl, alias string) []string {
	var names []string
	ast.Inspect(fn, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok && x.Name == alias {
				names = append(names, selector.Sel.Name)
			}
		}
		return true
	})
	return names
}
