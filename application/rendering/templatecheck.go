package rendering

import (
	"bytes"
	"html/template"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	text "text/template"
	"text/template/parse"

	"github.com/balsong/balsong/domain/policy"
)

// place matches how errors of text/template and html/template begin: the name, the line, perhaps the column. What
// follows may quote a bill.
var place = regexp.MustCompile(`^(?:html/)?template: ?([^:]+):(\d+):(?:\d+: ?)? ?`)

// whole matches how errors of a whole template begin.
var whole = regexp.MustCompile(`^(?:html/)?template: ?(?:[^ :]+: ?)?`)

// placeName matches how html/template writes where in a document it is: {stateJS delimNone urlPartNone …}.
var placeName = regexp.MustCompile(`\{state[A-Z][^}]*\}`)

// contexts are the beginnings of html/template's names of places, and what people call them.
var contexts = []struct{ state, words string }{
	{"stateText", "text"},
	{"stateTag", "a tag"},
	{"stateAttr", "an attribute"},
	{"stateAfterName", "a tag"},
	{"stateBeforeValue", "a tag"},
	{"stateHTMLCmt", "a comment"},
	{"stateRCDATA", "a title or textarea"},
	{"stateURL", "an address"},
	{"stateSrcset", "an address"},
	{"stateJS", "a script"},
	{"stateCSS", "a style"},
}

// inWords writes html/template's names of places as people call them.
func inWords(reason string) string {
	reason = placeName.ReplaceAllStringFunc(reason, func(found string) string {
		for _, c := range contexts {
			if strings.HasPrefix(found[1:], c.state) {
				return "inside of " + c.words
			}
		}
		return "elsewhere"
	})
	return strings.Replace(reason, "ends in a non-text context: inside", "the template ends inside", 1)
}

// failed notes an error of parsing or executing a template with its file and line.
func (l *loader) failed(file string, err error) {
	if err == nil {
		return
	}
	said := err.Error()
	at := place.FindStringSubmatch(said)
	if at == nil {
		l.wrong(file, 0, "%s", inWords(whole.ReplaceAllString(said, "")))
		return
	}
	line, _ := strconv.Atoi(at[2])
	reason := inWords(said[len(at[0]):])
	if _, short, found := strings.Cut(reason, ">: "); found && strings.HasPrefix(reason, "executing ") {
		reason = short
	}
	l.wrong(at[1], line, "%s", reason)
}

// whereOf returns the place of an error of executing a template, without its text, which may quote a bill.
func whereOf(file string, err error) string {
	if at := place.FindStringSubmatch(err.Error()); at != nil {
		return at[1] + ":" + at[2]
	}
	return file
}

// lookup returns the tree of a template that another one calls; nil if there is none.
type lookup func(name string) *parse.Tree

func lookupHTML(t *template.Template) lookup {
	return func(name string) *parse.Tree {
		if found := t.Lookup(name); found != nil {
			return found.Tree
		}
		return nil
	}
}

func lookupText(t *text.Template) lookup {
	return func(name string) *parse.Tree {
		if found := t.Lookup(name); found != nil {
			return found.Tree
		}
		return nil
	}
}

// check finds fields that do not exist, even in branches that no sample bill takes.
func (l *loader) check(tree *parse.Tree, find lookup) {
	view := reflect.TypeFor[View]()
	c := &checker{find: find, tree: tree, seen: map[visit]bool{}, variables: []variable{{"$", view}}}
	c.wrong = func(tree *parse.Tree, node parse.Node, reason string) {
		file, line := placeOf(tree, node)
		l.wrong(file, line, "%s", reason)
	}
	c.used = func(tree *parse.Tree, node parse.Node, name string) {
		file, line := placeOf(tree, node)
		if low := strings.ToLower(name); low != name {
			l.wrong(file, line, "there never is a field .Fields.%s: the billing data has names in lower case (.Fields.%s)", name, low)
		}
		if use := (FieldUse{name, file, line}); !slices.Contains(l.uses, use) {
			l.uses = append(l.uses, use)
		}
	}
	c.node(tree.Root, view)
}

// checkCharacters finds characters in a text message's template that EUC-KR lacks. (Values are replaced when they are
// written.)
func (l *loader) checkCharacters(tree *parse.Tree) {
	eachText(tree.Root, func(node *parse.TextNode) {
		file, line := placeOf(tree, node)
		for at, c := range string(node.Text) {
			if c != '\t' && !inMessages(c) {
				l.wrong(file, line+strings.Count(string(node.Text[:at]), "\n"), "the character %q is not in EUC-KR: text messages cannot have it", c)
			}
		}
	})
}

// eachText calls visit for the text outside of {{…}}.
func eachText(node parse.Node, visit func(*parse.TextNode)) {
	switch n := node.(type) {
	case *parse.TextNode:
		visit(n)
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				eachText(child, visit)
			}
		}
	case *parse.IfNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	case *parse.WithNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	case *parse.RangeNode:
		eachText(n.List, visit)
		eachText(n.ElseList, visit)
	}
}

// placeOf returns the file and line of a node.
func placeOf(tree *parse.Tree, node parse.Node) (file string, line int) {
	location, _ := tree.ErrorContext(node)
	file, rest, _ := strings.Cut(location, ":")
	number, _, _ := strings.Cut(rest, ":")
	line, _ = strconv.Atoi(number)
	return file, line
}

// checkOutside finds what stands in a file of words outside of every define: nothing prints it.
func (l *loader) checkOutside(words *template.Template) {
	if words == nil || words.Tree == nil {
		return
	}
	for _, node := range words.Tree.Root.Nodes {
		if n, is := node.(*parse.TextNode); is {
			text := strings.TrimLeft(string(n.Text), " \t\n")
			if text == "" {
				continue
			}
			file, line := placeOf(words.Tree, n)
			l.wrong(file, line+strings.Count(string(n.Text[:len(n.Text)-len(text)]), "\n"), "%.20q stands outside of every {{define}}: it would not come out", strings.TrimSpace(text))
			continue
		}
		file, line := placeOf(words.Tree, node)
		l.wrong(file, line, "%.40s stands outside of every {{define}}: it would not come out", node)
	}
}

// sampleLogo is that of sample views.
var sampleLogo = Logo{"https://www.example.com/logo.png?v=1&size=160", 160, 40}

// samples are the views of the sample bills in both classes. The first ones have every field that a template shows, and a logo.
func (l *loader) samples(t *Templates, tag string) (views []View) {
	fields := map[string]string{}
	for _, use := range l.uses {
		fields[use.Name] = "12"
	}
	for _, class := range []policy.MessageClass{policy.Transactional, policy.Advertising} {
		for i, sample := range Samples(tag) {
			identity := t.senderIdentity
			if i == 0 {
				sample.Bill.Fields, identity.Logo = fields, sampleLogo
			}
			view, err := newView(sample.Bill, sampleMonth, class, identity)
			if err != nil {
				panic(err) // an invented bill, and a test renders it
			}
			views = append(views, view)
		}
	}
	return views
}

// try makes the texts of the sample bills, to find at the start what only shows when a template is executed.
func (l *loader) try(t *Templates) {
	for _, tag := range Languages {
		for _, view := range l.samples(t, tag) {
			l.tryOne(t.languages[tag], tag, view)
			l.tryAlimTalk(t, view)
		}
	}
}

func (l *loader) tryOne(made *language, tag string, view View) {
	p := printer{view: view, language: made, tag: tag}
	results := map[string]string{htmlFile: p.html()}
	if p.failed != nil {
		l.failed(layoutFile, p.failed)
		return
	}
	for _, file := range textFiles {
		if results[file] = p.text(file); p.failed != nil {
			l.failed(tag+"/"+file, p.failed)
			return
		}
	}
	for file, result := range results {
		if strings.TrimSpace(result) == "" {
			l.wrong(tag+"/"+file, 0, "makes an empty text of a sample bill")
		}
	}
}

// compile makes good templates quick to print. What would print another text than the template itself, of any sample or of
// values full of marks, is not used.
func (t *Templates) compile() {
	for tag, made := range t.languages {
		views := sampleViews(tag, t.senderIdentity)
		quick := map[string]compiled{htmlFile: compileHTML(made.html, &views[0])}
		for file, parsed := range made.texts {
			quick[file] = compileText(parsed.Tree, lookupText(parsed))
		}
		for _, view := range views {
			for file, c := range quick {
				var out bytes.Buffer
				p := printer{view: view, language: made, tag: tag} // nothing is compiled yet
				if c.print(&out, &view) && out.String() != p.named(file) {
					delete(quick, file)
				}
			}
		}
		made.quick = quick
	}
}

// sampleViews are the samples in both classes, each also with marks in every value.
func sampleViews(tag string, identity SenderIdentity) (views []View) {
	const marks = "<b a='1' b=\"2\">&amp;+{{.Amount}}</b>\x00 김é\u2028`"
	for _, class := range []policy.MessageClass{policy.Transactional, policy.Advertising} {
		for _, sample := range Samples(tag) {
			view, err := newView(sample.Bill, sampleMonth, class, identity)
			if err != nil {
				continue
			}
			marked, shown := view, view
			shown.Logo, shown.LogoWidth, shown.LogoHeight = sampleLogo.URL, "160", "40"
			if view.Advertising {
				marked.Logo, marked.LogoWidth, marked.LogoHeight, marked.Unsubscribe = marks, marks, marks, marks
			}
			marked.Sender, marked.Name, marked.Customer, marked.Payment, marked.Due = marks, marks, marks, marks, marks
			marked.Fields = map[string]string{"kwh": marks}
			marked.Items = append([]ViewItem{{marks, marks, marks}}, view.Items...)
			views = append(views, view, marked, shown)
		}
	}
	return views
}
