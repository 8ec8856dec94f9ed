package rendering

import (
	"bytes"
	"html/template"
	"io"
	"reflect"
	"text/template/parse"
)

// compiled is a template made ready to be printed often: its constant text in one piece, and each value by its place in
// the view, where text/template finds each by name, calls functions by reflection and prints by fmt. It knows what
// templates of bills are made of: texts, fields, if, with, range, template, and, or, not. A part that it does not know prints
// nothing: then the template itself is executed.
type compiled []step

// step prints a part; false where it is not known.
type step func(p *page, dot reflect.Value) bool

// page is one text being printed.
type page struct {
	out  *bytes.Buffer
	root reflect.Value // $
}

// expression is a value of a template: kind is its type, nil where that is only known when it is printed.
type expression struct {
	kind reflect.Type
	of   func(p *page, dot reflect.Value) reflect.Value
}

// print prints the text of a view. false: it is to be printed by the template itself, and what out holds does not count.
func (c compiled) print(out *bytes.Buffer, view *View) bool {
	if c == nil {
		return false
	}
	dot := reflect.ValueOf(view).Elem()
	return c.run(&page{out, dot}, dot)
}

func (c compiled) run(p *page, dot reflect.Value) bool {
	for _, step := range c {
		if !step(p, dot) {
			return false
		}
	}
	return true
}

// unknown is a part that is not compiled.
func unknown(*page, reflect.Value) bool { return false }

// maxCalls is how deep templates may call each other.
const maxCalls = 20

// compiler compiles the tree of one template. root and dot are the types of $ and of dot.
type compiler struct {
	find  lookup
	html  bool // the tree is of html/template, which has put its escapers in
	root  reflect.Type
	calls int
}

// compileText compiles a text template.
func compileText(tree *parse.Tree, find lookup) compiled {
	view := reflect.TypeFor[View]()
	return compiler{find: find, root: view}.list(tree.Root, view)
}

// compileHTML compiles the layout with the words of a language. What html/template does to each value in its place is done
// here too, or the place is unknown: html/template itself decides, on a copy whose calls are replaced by what they call.
func compileHTML(layout *template.Template, sample *View) compiled {
	whole := layout.Tree.Copy()
	if !inline(whole.Root, lookupHTML(layout), true, 0) {
		return nil
	}
	escaped, err := template.New(layoutFile).Funcs(keepFunctions).AddParseTree(layoutFile, whole)
	if err != nil || escaped.Execute(io.Discard, sample) != nil {
		return nil
	}
	view := reflect.TypeFor[View]()
	return compiler{find: lookupHTML(escaped), html: true, root: view}.list(escaped.Tree.Root, view)
}

func (c compiler) list(list *parse.ListNode, dot reflect.Type) compiled {
	made := compiled{}
	if list != nil {
		for _, node := range list.Nodes {
			made = append(made, c.node(node, dot))
		}
	}
	return made
}

func (c compiler) node(node parse.Node, dot reflect.Type) step {
	switch n := node.(type) {
	case *parse.TextNode:
		return func(p *page, _ reflect.Value) bool { p.out.Write(n.Text); return true }
	case *parse.CommentNode:
		return func(*page, reflect.Value) bool { return true }
	case *parse.ActionNode:
		return c.action(n, dot)
	case *parse.IfNode:
		return c.choice(&n.BranchNode, dot, false)
	case *parse.WithNode:
		return c.choice(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		return c.each(n, dot)
	case *parse.TemplateNode:
		return c.call(n, dot)
	default:
		return unknown
	}
}

// action prints a value. For plain texts html/template's escapers of text, of quoted attributes and of titles are the same.
func (c compiler) action(n *parse.ActionNode, dot reflect.Type) step {
	commands := n.Pipe.Cmds
	if c.html {
		last := commands[len(commands)-1]
		if address, is := c.address(n, dot); is {
			return address
		}
		name, isName := last.Args[0].(*parse.IdentifierNode)
		if len(commands) != 2 || !isName || len(last.Args) != 1 || !escapesHTML[name.Ident] {
			return unknown
		}
		if text, is := kept(commands[0]); is && name.Ident == "_html_template_htmlescaper" {
			return func(p *page, _ reflect.Value) bool { p.out.WriteString(text); return true }
		}
		commands = commands[:1]
	}
	value := c.command(commands, n.Pipe.Decl, dot)
	if value.kind == nil || value.kind.Kind() != reflect.String {
		return unknown
	}
	if c.html {
		return func(p *page, dot reflect.Value) bool { writeEscaped(p.out, value.of(p, dot).String()); return true }
	}
	return func(p *page, dot reflect.Value) bool { p.out.WriteString(value.of(p, dot).String()); return true }
}

// choice is an if, or a with, which changes dot.
func (c compiler) choice(n *parse.BranchNode, dot reflect.Type, with bool) step {
	value := c.pipe(n.Pipe, dot)
	if value.of == nil || (with && value.kind == nil) {
		return unknown
	}
	within := dot
	if with {
		within = value.kind
	}
	yes, no := c.list(n.List, within), c.list(n.ElseList, dot)
	return func(p *page, dot reflect.Value) bool {
		switch v := value.of(p, dot); {
		case !isTrue(v):
			return no.run(p, dot)
		case with:
			return yes.run(p, v)
		default:
			return yes.run(p, dot)
		}
	}
}

func (c compiler) each(n *parse.RangeNode, dot reflect.Type) step {
	value := c.pipe(n.Pipe, dot)
	if value.kind == nil || value.kind.Kind() != reflect.Slice {
		return unknown
	}
	every, none := c.list(n.List, value.kind.Elem()), c.list(n.ElseList, dot)
	return func(p *page, dot reflect.Value) bool {
		list := value.of(p, dot)
		if list.Len() == 0 {
			return none.run(p, dot)
		}
		for i := range list.Len() {
			if !every.run(p, list.Index(i)) {
				return false
			}
		}
		return true
	}
}

func (c compiler) call(n *parse.TemplateNode, dot reflect.Type) step {
	called := c.find(n.Name)
	if n.Pipe == nil || called == nil || c.calls >= maxCalls {
		return unknown
	}
	value := c.pipe(n.Pipe, dot)
	if value.kind == nil {
		return unknown
	}
	inner := c
	inner.root, inner.calls = value.kind, c.calls+1
	made := inner.list(called.Root, value.kind)
	return func(p *page, dot reflect.Value) bool {
		v := value.of(p, dot)
		return made.run(&page{p.out, v}, v)
	}
}
