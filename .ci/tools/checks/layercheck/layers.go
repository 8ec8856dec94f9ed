package main

import "strings"

// project is the path that every module of the workspace begins with.
const project = "github.com/balsong/balsong"

// layer is where a package stands; the arrows between layers are what layercheck guards.
type layer int

const (
	outside     layer = iota // standard library and third parties
	domain                   // rules and words of the field, no I/O
	application              // use cases and ports
	adapter                  // one technology behind a port
	migrations               // SQL, embedded
	bootstrap                // wiring, configuration, the services' mains
	devtools                 // embedded components for demo, development and tests
	strange                  // a package of the project in a place that no rule knows
)

// layerOf places an import path. For an adapter, part is its name ("postgres").
func layerOf(path string) (in layer, part string) {
	rest, ours := strings.CutPrefix(path, project+"/")
	if !ours {
		return outside, ""
	}
	first, rest, _ := strings.Cut(rest, "/")
	second, _, _ := strings.Cut(rest, "/")
	switch {
	case first == "domain":
		return domain, ""
	case first == "application":
		return application, ""
	case first == "adapters" && second != "":
		return adapter, second
	case first == "migrations":
		return migrations, ""
	case first == "bootstrap" && second == "devtools":
		return devtools, ""
	case first == "bootstrap":
		return bootstrap, ""
	}
	return strange, ""
}

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, name := range names {
		out[name] = true
	}
	return out
}
