package rendering

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"text/template/parse"
)

// refused is what html/template prints in the place of a value that it does not let stand there.
const refused = "ZgotmplZ"

// errRefused says that html/template did not let a value stand where the template puts it: an address that is neither http, https,
// mailto nor relative, or a style that is no plain word.
var errRefused = errors.New("html/template does not let this value stand where the template puts it: it would come out as #" + refused)

// escapeCheck compares what the author of the HTML wrote with what html/template makes of it, which drops, changes and
// refuses without a word.
type escapeCheck struct {
	*loader
	tree  *parse.Tree // the layout's, with what it calls in the place of each call
	until string      // what ends a comment that began in a text before; "": there is none
}

// checkEscaping finds what would not come out as the author wrote it. It changes nothing, and returns the layout marked.
func (l *loader) checkEscaping(layout *template.Template, samples []View) *markedLayout {
	before := layout.Tree.Copy()
	flatten(before.Root, lookupHTML(layout), 0)
	c := escapeCheck{loader: l, tree: before}
	c.pairs(before.Root, false)
	whole, err := escapedCopy(layout, before.Copy())
	if err != nil {
		return nil
	}
	if cannot := (*template.Error)(nil); errors.As(whole.Execute(io.Discard, &samples[0]), &cannot) {
		return nil // it is reported where the templates are tried
	}
	c.list(before.Root, whole.Tree.Root)
	marked := newMarkedLayout(layout, &samples[0])
	for i := range samples {
		for _, action := range marked.refusedOf(&samples[i]) {
			c.at(action, nil, "{{%s}}: %s", action.Pipe.Cmds[0], errRefused)
		}
	}
	return marked
}

// escapedCopy is a template of another tree, with all that it may call.
func escapedCopy(layout *template.Template, tree *parse.Tree) (*template.Template, error) {
	made, err := template.New(layoutFile).Funcs(keepFunctions).Option(noSuchField).AddParseTree(layoutFile, tree)
	for _, other := range layout.Templates() {
		if err == nil && other.Name() != layoutFile && other.Tree != nil {
			_, err = made.AddParseTree(other.Name(), other.Tree.Copy())
		}
	}
	return made, err
}

// flatten puts what is called in the place of each call, whatever it is called with: to look at, not to execute.
func flatten(list *parse.ListNode, find lookup, calls int) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.IfNode:
			flatten(n.List, find, calls)
			flatten(n.ElseList, find, calls)
		case *parse.WithNode:
			flatten(n.List, find, calls)
			flatten(n.ElseList, find, calls)
		case *parse.RangeNode:
			flatten(n.List, find, calls)
			flatten(n.ElseList, find, calls)
		case *parse.TemplateNode:
			if called := find(n.Name); called != nil && called.Root != nil && calls < maxCalls {
				body := called.Root.CopyList()
				flatten(body, find, calls+1)
				nodes = append(nodes, body.Nodes...)
				continue
			}
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}

func (c *escapeCheck) at(node parse.Node, skipped []byte, format string, args ...any) {
	file, line := placeOf(c.tree, node)
	c.wrong(file, line+bytes.Count(skipped, []byte{'\n'}), format, args...)
}

// list compares the nodes of a list before and after.
func (c *escapeCheck) list(before, after *parse.ListNode) {
	if before == nil || after == nil {
		return
	}
	for i, node := range before.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			if made, is := after.Nodes[i].(*parse.TextNode); is {
				c.text(n, n.Text, made.Text)
			}
		case *parse.ActionNode:
			if made, is := after.Nodes[i].(*parse.ActionNode); is {
				c.action(n, made.Pipe.Cmds[len(n.Pipe.Cmds):])
			}
		case *parse.IfNode:
			c.branch(&n.BranchNode, after.Nodes[i])
		case *parse.WithNode:
			c.branch(&n.BranchNode, after.Nodes[i])
		case *parse.RangeNode:
			c.branch(&n.BranchNode, after.Nodes[i])
		}
	}
}

func (c *escapeCheck) branch(before *parse.BranchNode, node parse.Node) {
	var after *parse.BranchNode
	switch n := node.(type) {
	case *parse.IfNode:
		after = &n.BranchNode
	case *parse.WithNode:
		after = &n.BranchNode
	case *parse.RangeNode:
		after = &n.BranchNode
	default:
		return
	}
	c.list(before.List, after.List)
	c.list(before.ElseList, after.ElseList)
}

// comments are the comments that html/template drops, by how they begin and end.
var comments = []struct{ open, end, reason string }{
	{"<!--[if", "-->", "this conditional comment would not come out: it has to begin with <!--[if CONDITION]> and to end with <![endif]-->"},
	{"<!--", "-->", "this comment would not come out, because html/template drops it: write {{/* … */}} (conditional comments such as <!--[if mso]>…<![endif]--> are kept)"},
	{"/*", "*/", "this comment would not come out, because html/template drops it: write {{/* … */}}"},
}

// text finds what is missing or changed in a text.
func (c *escapeCheck) text(node parse.Node, before, after []byte) {
	i, j := 0, 0
	if c.until != "" {
		end := bytes.Index(before, []byte(c.until))
		if end < 0 {
			return
		}
		i, j, c.until = end+len(c.until), instead(c.until), ""
	}
next:
	for i < len(before) {
		rest, out := before[i:], after[min(j, len(after)):]
		for _, comment := range comments {
			if !bytes.HasPrefix(rest, []byte(comment.open)) || bytes.HasPrefix(out, []byte(comment.open)) {
				continue
			}
			c.at(node, before[:i], "%s", comment.reason)
			end := bytes.Index(rest[len(comment.open):], []byte(comment.end))
			if end < 0 {
				c.until = comment.end
				return
			}
			i += len(comment.open) + end + len(comment.end)
			j += instead(comment.end)
			continue next
		}
		switch {
		case len(out) > 0 && rest[0] == out[0]:
			i, j = i+1, j+1
		case rest[0] == '<' && bytes.HasPrefix(out, []byte("&lt;")):
			if len(rest) > 1 && bytes.IndexByte([]byte("!?/"), rest[1]) >= 0 { // before all else a browser reads it as &lt; too
				c.at(node, before[:i], "html/template would write this < as &lt;, because it begins no element")
			}
			i, j = i+1, j+len("&lt;")
		default:
			c.at(node, before[:i], "html/template would change this text: %.20q", rest)
			return
		}
	}
}

// instead returns how many bytes html/template writes in the place of a comment: a blank or a line feed for one of a style or a
// script.
func instead(end string) int {
	if end == "*/" {
		return 1
	}
	return 0
}

// action finds a value that cannot stand where it is, by the escapers that html/template adds for its place.
func (c *escapeCheck) action(node *parse.ActionNode, escapers []*parse.CommandNode) {
	names := make([]string, len(escapers))
	for i, escaper := range escapers {
		names[i] = escaper.String()
	}
	said := node.Pipe.String()
	if text, is := kept(node.Pipe.Cmds[0]); is {
		if len(names) != 1 || names[0] != "_html_template_htmlescaper" {
			c.at(node.Pipe.Cmds[0].Args[0], nil, "the conditional comment %.20q stands inside of a tag, a title, a style, a script or a comment, where none can be", text)
		}
		return
	}
	for _, name := range names {
		switch name {
		case "_html_template_nospaceescaper":
			c.at(node, nil, "{{%s}} stands in an attribute without quotation marks: empty it would come out as %s", said, refused)
		case "_html_template_htmlnamefilter":
			c.at(node, nil, "{{%s}} stands where the name of an element or an attribute is: it would come out as %s", said, refused)
		}
	}
}

// pairs finds conditional comments that do not end where they begin: in the same list.
func (c *escapeCheck) pairs(list *parse.ListNode, hidden bool) {
	if list == nil {
		return
	}
	type opened struct {
		node parse.Node
		end  conditionalEnd
		text string
	}
	var open []opened
	for _, node := range list.Nodes {
		within := hidden
		for _, o := range open {
			within = within || o.end == opensHidden
		}
		switch n := node.(type) {
		case *parse.IfNode:
			c.pairs(n.List, within)
			c.pairs(n.ElseList, within)
		case *parse.WithNode:
			c.pairs(n.List, within)
			c.pairs(n.ElseList, within)
		case *parse.RangeNode:
			c.pairs(n.List, within)
			c.pairs(n.ElseList, within)
		case *parse.ActionNode:
			text, is := kept(n.Pipe.Cmds[0])
			if !is {
				continue
			}
			end, place := endOf([]byte(text)), n.Pipe.Cmds[0].Args[0]
			switch {
			case within && end != closesHidden:
				c.at(place, nil, "%.20q stands inside of a conditional comment, which ends at the first -->", text)
			case end.opens():
				open = append(open, opened{place, end, text})
			case end == wholeComment:
			case len(open) == 0 || open[len(open)-1].end != end-1:
				c.at(place, nil, "%.20q closes no conditional comment that begins in the same branch", text)
			default:
				open = open[:len(open)-1]
			}
		}
	}
	for _, o := range open {
		c.at(o.node, nil, "the conditional comment %.20q is not closed in the same branch", o.text)
	}
}

// markedLayout is a layout that writes the number of each action behind its value, to find whose value html/template refuses.
type markedLayout struct {
	layout  *template.Template
	actions []*parse.ActionNode
}

// newMarkedLayout marks a layout that was not executed yet. nil where a template is called with something else than the whole view.
func newMarkedLayout(layout *template.Template, sample *View) *markedLayout {
	tree := layout.Tree.Copy()
	if !inline(tree.Root, lookupHTML(layout), true, 0) {
		return nil
	}
	marked, err := escapedCopy(layout, tree)
	if err != nil || marked.Execute(io.Discard, sample) != nil { // from here on html/template leaves its tree alone
		return nil
	}
	m := &markedLayout{layout: marked}
	mark(marked.Tree.Root, &m.actions)
	return m
}

// refusedOf finds the actions whose values html/template refuses of a view.
func (m *markedLayout) refusedOf(view *View) (actions []*parse.ActionNode) {
	var out bytes.Buffer
	if m == nil || m.layout.Execute(&out, view) != nil {
		return nil
	}
	pieces := strings.Split(out.String(), "\x00") // no value has one: it is escaped
	for i := 0; i+1 < len(pieces); i += 2 {
		if n, err := strconv.Atoi(pieces[i+1]); err == nil && n < len(m.actions) && strings.Contains(pieces[i], refused) {
			actions = append(actions, m.actions[n])
		}
	}
	return actions
}

// reason says which value is refused of a view, and where the template puts it: nothing of the value itself.
func (m *markedLayout) reason(view *View, tag string) error {
	for _, action := range m.refusedOf(view) {
		file, line := placeOf(m.layout.Tree, action)
		return fmt.Errorf("render: %s:%d: {{%s}}: %w", file, line, action.Pipe.Cmds[0], errRefused)
	}
	return fmt.Errorf("render: %s with the words of %s/%s: %w", layoutFile, tag, htmlFile, errRefused)
}

// mark puts a text with its number behind each action.
func mark(list *parse.ListNode, all *[]*parse.ActionNode) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		nodes = append(nodes, node)
		switch n := node.(type) {
		case *parse.IfNode:
			mark(n.List, all)
			mark(n.ElseList, all)
		case *parse.WithNode:
			mark(n.List, all)
			mark(n.ElseList, all)
		case *parse.RangeNode:
			mark(n.List, all)
			mark(n.ElseList, all)
		case *parse.ActionNode:
			nodes = append(nodes, &parse.TextNode{NodeType: parse.NodeText, Text: []byte("\x00" + strconv.Itoa(len(*all)) + "\x00")})
			*all = append(*all, n)
		}
	}
	list.Nodes = nodes
}
