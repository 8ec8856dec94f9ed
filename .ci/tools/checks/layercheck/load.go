package main

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// check loads the workspace at root and applies every rule.
func check(root string) (*report, error) {
	loaded, err := load(root, true, packages.NeedName|packages.NeedFiles|packages.NeedCompiledGoFiles|packages.NeedImports|
		packages.NeedSyntax|packages.NeedTypes|packages.NeedTypesInfo|packages.NeedForTest)
	if err != nil {
		return nil, err
	}
	if len(loaded) == 0 {
		return nil, errors.New("the workspace has no packages")
	}
	r := &report{root: root, known: map[string]bool{}}
	seen := map[string]bool{}
	for _, pkg := range loaded {
		if strings.HasSuffix(pkg.ID, ".test") {
			continue // the generated test main
		}
		if !seen[pkg.PkgPath] {
			seen[pkg.PkgPath] = true
			r.packages++
		}
		r.addErrors(pkg)
		for _, file := range filesOf(pkg) {
			r.files++
			r.checkImports(file)
			if len(pkg.Errors) == 0 {
				r.checkCalls(file)
			}
		}
	}
	r.sort()
	return r, nil
}

// addErrors reports what keeps a package from compiling; what names a place in it comes before what does not.
func (r *report) addErrors(pkg *packages.Package) {
	placed := slices.ContainsFunc(pkg.Errors, func(problem packages.Error) bool { return positionOf(problem.Pos).Line > 0 })
	for _, problem := range pkg.Errors {
		position := positionOf(problem.Pos)
		if position.Line == 0 && placed {
			continue // the compiler's copy of the same
		}
		if position.Line == 0 && len(pkg.GoFiles) > 0 {
			position = token.Position{Filename: pkg.GoFiles[0], Line: 1, Column: 1}
		}
		r.add(position, ruleBuild, oneLine(problem.Msg), "make the package compile (go vet work), then check again")
	}
}

// load lists the packages of the workspace. Without cgo, so that no C compiler is needed.
func load(root string, tests bool, mode packages.LoadMode) ([]*packages.Package, error) {
	loaded, err := packages.Load(&packages.Config{
		Mode:  mode,
		Dir:   root,
		Tests: tests,
		Env:   append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "CGO_ENABLED=0", "GOFLAGS="),
	}, "work")
	if err != nil {
		return nil, fmt.Errorf("load the workspace at %s: %w", root, err)
	}
	return loaded, nil
}

// sourceFile is one file of a package with what the rules ask about it.
type sourceFile struct {
	pkg   *packages.Package
	index int // in pkg.Syntax
	path  string
	in    layer
	part  string
	test  bool // a _test.go file, or a package that exists for tests
}

func filesOf(pkg *packages.Package) []sourceFile {
	importPath := strings.TrimSuffix(pkg.PkgPath, "_test")
	in, part := layerOf(importPath)
	out := make([]sourceFile, 0, len(pkg.Syntax))
	for i, syntax := range pkg.Syntax {
		name := pkg.Fset.Position(syntax.FileStart).Filename
		out = append(out, sourceFile{
			pkg: pkg, index: i, path: importPath, in: in, part: part,
			test: strings.HasSuffix(name, "_test.go") || forTests(importPath),
		})
	}
	return out
}

// forTests says whether a package exists for tests only: its name says so, as in porttest.
func forTests(importPath string) bool { return strings.HasSuffix(path.Base(importPath), "test") }

// position turns a place in the file into file, line and column.
func (f sourceFile) position(pos token.Pos) token.Position { return f.pkg.Fset.Position(pos) }

// positionOf reads "file:line:column", in which go/packages reports errors.
func positionOf(text string) token.Position {
	var position token.Position
	parts := strings.Split(text, ":")
	position.Filename = parts[0]
	if len(parts) > 1 {
		position.Line, _ = strconv.Atoi(parts[1])
	}
	if len(parts) > 2 {
		position.Column, _ = strconv.Atoi(parts[2])
	}
	return position
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
