package archdoc

// arrows is the one convention of all drawings.
const arrows = `## How to read an arrow

- **Without words** it points from whoever needs something to what it needs: ` + "`deliver --> port`" + ` reads *deliver needs port* (imports it, calls it, or is given it).
- **With words** the words are what goes along, or what happens, from the tail to the head: ` + "`kafka -- requests --> delivery`" + ` reads *requests go from
  Kafka to delivery*, ` + "`READY -- dispatch --> REQUESTED`" + ` reads *a dispatch makes READY to REQUESTED*.

No other kind of arrow is drawn, here or elsewhere in the documentation.
`

func indexPage(p *printer, _ Sources) error {
	p.line("These pages are written by `make docs` from the code itself; `make test` fails when one is stale, `make docs-check` when a")
	p.line("diagram does not render or a link leads nowhere. What the code cannot say is in %s and in the %s.\n",
		p.link("the design", "docs/design/system.md"), p.link("decisions", "docs/adr/README.md"))
	var rows [][]string
	for _, page := range Pages() {
		if page.Says != "" {
			rows = append(rows, []string{p.link(page.Title, page.Path), page.Says})
		}
	}
	rows = append(rows, []string{p.link("Binaries", "docs/architecture/binaries.md"), "which modules each binary links, and how large it is (`make binaries`)"})
	p.table([]string{"Page", "answers"}, rows)
	p.line("%s", arrows)
	p.line("The whole on one screen is in the %s.", p.link("README", "README.md"))
	return nil
}
