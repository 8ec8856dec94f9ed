package main

import (
	"fmt"
	"go/types"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/go/ssa"
)

// follow walks from the entries. What a reached function calls is reached, and so is a function that it names as a value
// (a closure, a callback). A call through an interface of the project, which fx wires, leads to each implementation that the
// command links. Third parties are not entered.
func (j journey) follow(program *ssa.Program, all map[*ssa.Function]bool, loaded []*packages.Package, root string) (steps, error) {
	linked := production(loaded, j.command)
	if len(linked) == 0 {
		return steps{}, fmt.Errorf("there is no command %s", j.command)
	}
	w := walk{
		program: program, root: root, ends: j.ends, linked: linked,
		home: map[string]bool{}, seen: map[*ssa.Function]bool{}, steps: steps{files: map[string]int{}, hops: map[[2]string]bool{}},
	}
	w.collectTypes()
	for _, entry := range j.entries {
		found := false
		for f := range all {
			if linked[packageOf(f)] && strings.ReplaceAll(f.String(), project, "") == entry {
				found = true
				w.home[packageOf(f)] = true
				w.visit(f, "")
			}
		}
		if !found {
			return steps{}, fmt.Errorf("there is no function %s", entry)
		}
	}
	return w.steps, nil
}

type walk struct {
	program *ssa.Program
	root    string
	ends    []string
	linked  map[string]bool
	types   []types.Type    // concrete types of the linked packages, and pointers to them
	home    map[string]bool // packages of the entries, which are no end
	seen    map[*ssa.Function]bool
	steps   steps
}

func packageOf(f *ssa.Function) string {
	if origin := f.Origin(); origin != nil {
		f = origin
	}
	for f.Parent() != nil {
		f = f.Parent()
	}
	if f.Pkg != nil {
		return f.Pkg.Pkg.Path()
	}
	if object := f.Object(); object != nil && object.Pkg() != nil {
		return object.Pkg().Path()
	}
	return ""
}

func (w *walk) collectTypes() {
	for _, p := range w.program.AllPackages() {
		if !w.linked[p.Pkg.Path()] {
			continue
		}
		for _, member := range p.Members {
			declared, ok := member.(*ssa.Type)
			if !ok {
				continue
			}
			named, ok := declared.Type().(*types.Named)
			if ok && named.TypeParams().Len() == 0 && !types.IsInterface(named) {
				w.types = append(w.types, named, types.NewPointer(named))
			}
		}
	}
}

// visit counts a function, which from's file calls, and goes on from it.
func (w *walk) visit(f *ssa.Function, from string) {
	path := packageOf(f)
	file := from
	if w.linked[path] && f.Pos().IsValid() {
		name := w.program.Fset.Position(f.Pos()).Filename
		if relative, err := filepath.Rel(w.root, name); err == nil {
			file = filepath.ToSlash(relative)
		}
		if from != "" && from != file {
			w.steps.hops[[2]string{from, file}] = true
		}
	}
	if w.seen[f] || path != "" && !w.linked[path] {
		return
	}
	w.seen[f] = true
	if w.linked[path] && f.Pos().IsValid() && f.Synthetic == "" {
		w.steps.files[file]++
		w.steps.functions++
	}
	if !w.home[path] && within(strings.TrimPrefix(path, project), w.ends) {
		return
	}
	for _, next := range w.next(f) {
		w.visit(next, file)
	}
}

// next lists the functions that a function calls or names.
func (w *walk) next(f *ssa.Function) (next []*ssa.Function) {
	var operands []*ssa.Value
	for _, block := range f.Blocks {
		for _, instruction := range block.Instrs {
			for _, operand := range instruction.Operands(operands[:0]) {
				if named, ok := (*operand).(*ssa.Function); ok {
					next = append(next, named)
				}
			}
			if call, ok := instruction.(ssa.CallInstruction); ok && call.Common().IsInvoke() && w.isPort(call.Common()) {
				next = append(next, w.implementations(call.Common())...)
			}
		}
	}
	return next
}

// isPort reports whether a call goes through an interface of the project.
func (w *walk) isPort(call *ssa.CallCommon) bool {
	named, ok := types.Unalias(call.Value.Type()).(*types.Named)
	return ok && named.Obj().Pkg() != nil && w.linked[named.Obj().Pkg().Path()]
}

func (w *walk) implementations(call *ssa.CallCommon) (found []*ssa.Function) {
	wanted, ok := call.Value.Type().Underlying().(*types.Interface)
	if !ok {
		return nil
	}
	for _, t := range w.types {
		if !types.Implements(t, wanted) {
			continue
		}
		if pointer, ok := t.(*types.Pointer); ok && types.Implements(pointer.Elem(), wanted) {
			continue // the value has it already
		}
		if selection := w.program.MethodSets.MethodSet(t).Lookup(call.Method.Pkg(), call.Method.Name()); selection != nil {
			if f := w.program.MethodValue(selection); f != nil {
				found = append(found, f)
			}
		}
	}
	return found
}
