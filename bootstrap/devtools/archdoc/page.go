// Package archdoc writes the generated part of the documentation from the code itself: packages, ports, state
// machines, the wiring of each app, the event contract, the schema. A test fails when a page is stale.
package archdoc

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
)

// project is the path that every module of the workspace begins with.
const project = "github.com/balsong/balsong/"

// Page is one generated file.
type Page struct {
	Path  string // from the root of the repository
	Title string
	Says  string // what the page answers, one sentence for the index
	write func(p *printer, s Sources) error
}

// Sources is what the pages are written from.
type Sources struct {
	Root     string     // of the repository
	Database *sqlx.DB   // with the schema in place
	Code     *workspace // every package, loaded once
}

// Open loads the workspace at root.
func Open(root string, database *sqlx.DB) (Sources, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return Sources{}, err
	}
	code, err := load(absolute)
	return Sources{Root: absolute, Database: database, Code: code}, err
}

// Pages lists the generated files.
func Pages() []Page {
	pages := []Page{
		{"docs/architecture/packages.md", "Modules and packages", "which module and package does what, and who may need whom", packagesPage},
		{"docs/architecture/ports.md", "Ports", "what the use cases need of the world: who implements it, and which suite holds both to it", portsPage},
		{"docs/architecture/states.md", "State machines", "which status may follow which, and by whose word", statesPage},
		{"docs/architecture/reasons.md", "Reasons and decisions", "what each code of a decision, pause, outcome or refusal means, in English and Korean", reasonsPage},
		{"docs/architecture/events.md", "Events", "what travels between the services, field by field", eventsPage},
		{"docs/architecture/wiring.md", "Wiring", "what each app is made of, as fx puts it together", wiringPage},
		{"docs/architecture/schema.md", "Schema", "every table, column, index and bound of the database", schemaPage},
		{"docs/contract/asyncapi.yaml", "Event contract", "the events as AsyncAPI 3, for programs", asyncAPIFile},
	}
	return append([]Page{{"docs/architecture/README.md", "Architecture", "", indexPage}}, pages...)
}

// Text writes the page.
func (p Page) Text(s Sources) ([]byte, error) {
	out := &printer{page: p.Path}
	if strings.HasSuffix(p.Path, ".md") {
		out.line("<!-- Written by `make docs` from the code. Change the code, not this page. -->")
		out.line("# %s\n", p.Title)
	}
	if err := p.write(out, s); err != nil {
		return nil, fmt.Errorf("write %s: %w", p.Path, err)
	}
	return []byte(strings.TrimRight(out.String(), "\n") + "\n"), nil
}

// printer writes Markdown.
type printer struct {
	strings.Builder
	page string
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// link is a Markdown link from this page to a file or folder of the repository.
func (p *printer) link(text, target string) string {
	file, anchor, _ := strings.Cut(target, "#")
	relative, err := filepath.Rel(path.Dir(p.page), file)
	if err != nil {
		relative = file
	}
	if anchor != "" {
		relative += "#" + anchor
	}
	return fmt.Sprintf("[%s](%s)", text, filepath.ToSlash(relative))
}

func (p *printer) mermaid(lines ...string) {
	p.line("```mermaid\n%s\n```\n", strings.Join(lines, "\n"))
}

func (p *printer) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	p.line("| %s |\n|%s", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(strings.ReplaceAll(row[i], "\n", " "), "|", `\|`)
		}
		p.line("| %s |", strings.Join(row, " | "))
	}
	p.line("")
}

// sentence is the first sentence of a comment, on one line.
func sentence(comment string) string {
	text := strings.Join(strings.Fields(comment), " ")
	for i := range len(text) - 1 {
		if (text[i] == '.' || text[i] == ':' && i > 60) && text[i+1] == ' ' && !strings.HasSuffix(text[:i], "e.g") {
			return strings.TrimRight(text[:i], ":") + "."
		}
	}
	return text
}
