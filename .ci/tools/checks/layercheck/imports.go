package main

import (
	"fmt"
	"strconv"
)

// checkImports applies every rule that an import alone can break.
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
		if breached, do := f.judge(path); do != "" {
			r.add(f.position(spec.Pos()), breached, fmt.Sprintf("package %s imports %s", f.path, path), do)
		}
	}
}

// judge says which rule an import breaks and what to do; do is empty when the import is fine.
func (f sourceFile) judge(path string) (breached rule, do string) {
	in, part := layerOf(path)
	switch {
	case f.in == outside:
		return rule{}, ""
	case within(path, fxModules) && f.in != bootstrap && f.in != devtools:
		return ruleFx, "take what you need as a constructor's parameters and wire it in bootstrap"
	case f.in != devtools && (within(path, embeddedModules) || in == devtools):
		return ruleEmbedded, "take an address from outside (tests: BALSONG_TEST_…, set by `make test`); embedded servers live in bootstrap/devtools"
	}
	switch f.in {
	case domain:
		return ruleDomain, f.judgeDomain(path, in)
	case application:
		if path == "crypto/rand" && !f.test {
			return ruleRandom, "take random values from a port"
		}
		return ruleApplication, f.judgeApplication(path, in)
	case adapter:
		if in == adapter && part != f.part || in == bootstrap {
			return ruleAdapter, "share through a port in application, or wire both in bootstrap"
		}
	case migrations:
		if in != outside && in != migrations {
			return ruleAdapter, "migrations hold SQL and their embed, nothing that knows the product's types"
		}
	case outside, bootstrap, devtools, strange: // bootstrap wires everything
	}
	return rule{}, ""
}

func (f sourceFile) judgeDomain(path string, in layer) string {
	switch {
	case in == domain, pureStd[path]:
		return ""
	case f.test && (isStd(path) || within(path, testModules)):
		return ""
	case isStd(path):
		return "the domain does no I/O and has no clock: take the value as a parameter, or move this code to an adapter behind a port"
	}
	return "write it with the standard library, or put it behind a port of application"
}

func (f sourceFile) judgeApplication(path string, in layer) string {
	switch {
	case in == domain, in == application, pureStd[path], useCaseStd[path], within(path, useCaseModules):
		return ""
	case f.test && (isStd(path) || within(path, testModules)):
		return ""
	case in != outside:
		return "use a port of application; bootstrap chooses the adapter"
	}
	return "put it behind a port in application/port and use it in an adapter"
}
