package archdoc

import (
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// dense makes a drawing small enough for a phone.
const dense = `%%{init: {"flowchart": {"rankSpacing": 15, "nodeSpacing": 12}}}%%`

// section is a layer of the code, with the only arrows that are allowed out of it.
type section struct {
	name, prefix, needs string
	direction           string   // of the drawing: from the left (LR), or from the top (TB) where the chains are long
	undrawn             []string // packages that many others need and that would only fill the drawing
}

// sections are the layers from the inside out; a package belongs to the last whose prefix it has.
var sections = []section{
	{"domain", "domain", "nothing but the pure part of the standard library", "TB", nil},
	{"application", "application", "domain", "LR", []string{"event", "memory", "metric", "outage", "port", "porttest"}},
	{"adapters", "adapters", "application, domain, migrations, and its own technology; never each other", "LR", []string{"answerstest", "gateway", "httpclient", "reference"}},
	{"migrations", "migrations", "nothing", "LR", nil},
	{"bootstrap", "bootstrap", "everything but devtools; alone imports fx and reads the environment", "TB", []string{"cli", "disk", "progress"}},
	{"devtools", "bootstrap/devtools", "everything; alone holds embedded servers, and no service needs it", "LR", []string{"cachedir", "child", "command", "lockfile"}},
}

func sectionOf(pkgPath string) string {
	name := ""
	for _, s := range sections {
		if rest := strings.TrimPrefix(pkgPath, project); rest == s.prefix || strings.HasPrefix(rest, s.prefix+"/") {
			name = s.name
		}
	}
	return name
}

func packagesPage(p *printer, s Sources) error {
	p.line("Few modules, one direction. `make lint` fails with file and line when an arrow points another way.\n")
	p.mermaid(
		"flowchart TB",
		"  devtools --> bootstrap",
		"  bootstrap --> adapters",
		"  bootstrap --> application",
		"  adapters --> application",
		"  adapters --> migrations",
		"  application --> domain",
	)
	p.line("Arrows that follow from others are left out. %s says why it is cut so; %s.\n",
		p.link("Decision 0001", "docs/adr/0001-modular-monolith.md"), p.link("the convention of arrows", "docs/architecture/README.md#how-to-read-an-arrow"))
	needs := needsOf(s.Code)
	for _, layer := range sections {
		var of []*packages.Package
		for _, pkg := range s.Code.plain() {
			if sectionOf(pkg.PkgPath) == layer.name {
				of = append(of, pkg)
			}
		}
		p.line("## %s\n\nMay need: %s.\n", layer.name, layer.needs)
		drawPackages(p, layer, of, needs)
		listPackages(p, layer, of, needs)
	}
	return nil
}

// needsOf are the packages of the project that each imports, tests aside.
func needsOf(w *workspace) map[string][]string {
	needs := map[string][]string{}
	for _, pkg := range w.plain() {
		for _, imported := range slices.Sorted(maps.Keys(pkg.Imports)) {
			if strings.HasPrefix(imported, project) {
				needs[pkg.PkgPath] = append(needs[pkg.PkgPath], imported)
			}
		}
	}
	return needs
}

// drawPackages draws the arrows inside a layer that do not follow from others, if there are any.
func drawPackages(p *printer, layer section, of []*packages.Package, needs map[string][]string) {
	inside := map[string]bool{}
	for _, pkg := range of {
		inside[pkg.PkgPath] = pkg.Name != "main" && !slices.Contains(layer.undrawn, path.Base(pkg.PkgPath)) &&
			(layer.name != "devtools" || strings.Count(pkg.PkgPath, "/") == strings.Count(project+layer.prefix, "/")+1)
	}
	lines := []string{dense, "flowchart " + layer.direction}
	for _, pkg := range of {
		for _, need := range needs[pkg.PkgPath] {
			if inside[pkg.PkgPath] && inside[need] && !reaches(needs, pkg.PkgPath, need) {
				lines = append(lines, "  "+node(layer, pkg.PkgPath)+" --> "+node(layer, need))
			}
		}
	}
	if len(lines) > 3 {
		p.mermaid(lines...)
	}
	if len(layer.undrawn) > 0 {
		p.line("Not drawn: %s, which many need or which needs nearly all, and what lies inside a package.\n", strings.Join(layer.undrawn, ", "))
	}
}

// reaches reports whether a package needs another by way of a third.
func reaches(needs map[string][]string, from, to string) bool {
	seen := map[string]bool{}
	queue := slices.DeleteFunc(slices.Clone(needs[from]), func(n string) bool { return n == to })
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at == to {
			return true
		}
		if !seen[at] {
			seen[at] = true
			queue = append(queue, needs[at]...)
		}
	}
	return false
}

func node(layer section, pkgPath string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(pkgPath, project+layer.prefix), "/")
	if name := path.Base(short); name != short {
		return name + "[" + short + "]"
	}
	return short
}

// listPackages says what each package is and, below the wiring, which others it needs.
func listPackages(p *printer, layer section, of []*packages.Package, needs map[string][]string) {
	wiring := strings.HasPrefix(layer.prefix, "bootstrap")
	head := []string{"Package", "It", "needs"}
	var rows [][]string
	for _, pkg := range of {
		where := strings.TrimPrefix(pkg.PkgPath, project)
		row := []string{p.link("`"+strings.TrimPrefix(where, layer.prefix+"/")+"`", where), says(pkg)}
		if !wiring {
			var short []string
			for _, need := range needs[pkg.PkgPath] {
				short = append(short, path.Base(need))
			}
			row = append(row, strings.Join(short, ", "))
		}
		rows = append(rows, row)
	}
	if wiring {
		head = head[:2]
	}
	p.table(head, rows)
}

// says is the first sentence of a package comment, without the package's name.
func says(pkg *packages.Package) string {
	text := sentence(comment(pkg))
	for _, opening := range []string{"Package " + pkg.Name + " ", "Command " + path.Base(pkg.PkgPath) + " ", "Command " + path.Base(pkg.PkgPath) + ": "} {
		text = strings.TrimPrefix(text, opening)
	}
	return text
}
