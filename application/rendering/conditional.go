package rendering

import (
	"bytes"
	"html/template"
	"regexp"
	"strconv"
	"text/template/parse"
)

// Conditional comments are markup that Outlook for Windows reads and other mail programs take for comments. html/template
// drops every comment, so an action that prints it as its author wrote it stands in the place of each of them. What stands
// between the two ends of one is markup like any other where there is an action in it: html/template writes each value
// for its place, and never with a > that would end the comment.

// keepFunction prints its argument as it is. Authors of templates cannot call it: it is defined after their files were parsed.
const keepFunction = "conditional"

var keepFunctions = template.FuncMap{keepFunction: func(text string) template.HTML { return template.HTML(text) }} //nolint:gosec // a constant of a template, never a value

// conditionals matches the ends of conditional comments: of those that hide what is within from other programs (1, 2), of
// those that show it (3, 4), and of those that show it and are no comments (5, 6).
var conditionals = regexp.MustCompile(`(?i)` +
	`(<!--\[if\s[^\]<>]*\]>(?:\s*<!--+\s*-*>|\s*--+>))|(<!--\s*<!\[endif\]\s*-->)|` + // 1, 2: shown
	`(<!--\[if\s[^\]<>]*\]>)|(<!\[endif\]\s*-->)|` + // 3, 4: hidden
	`(<!\[if\s[^\]<>]*\]>)|(<!\[endif\]>)`) // 5, 6: shown, no comments

// conditionalEnd is which end of a conditional comment a text is.
type conditionalEnd int

const (
	wholeComment conditionalEnd = iota // both ends, with all that is within
	opensShown
	closesShown
	opensHidden
	closesHidden
	opensBare
	closesBare
)

// opens reports whether the end is the first of two.
func (e conditionalEnd) opens() bool { return e == opensShown || e == opensHidden || e == opensBare }

// endOf says which end a text that nextConditional found is.
func endOf(text []byte) conditionalEnd {
	at := conditionals.FindSubmatchIndex(text)
	if at == nil || at[1] != len(text) {
		return wholeComment
	}
	for group := 1; 2*group < len(at); group++ {
		if at[2*group] >= 0 {
			return conditionalEnd(group)
		}
	}
	return wholeComment
}

// nextConditional finds the next conditional comment that is whole, or the next end of one; found is false where there is none.
// A comment that begins like one and ends otherwise is none.
func nextConditional(text []byte) (from, to int, found bool) {
	for at := 0; ; {
		match := conditionals.FindIndex(text[at:])
		if match == nil {
			return 0, 0, false
		}
		from, to = at+match[0], at+match[1]
		if endOf(text[from:to]) != opensHidden {
			return from, to, true
		}
		end := bytes.Index(text[to:], []byte("-->"))
		if end < 0 {
			return from, to, true // it ends behind an action
		}
		last := conditionals.FindIndex(text[to:])
		if last != nil && last[1] == end+len("-->") {
			return from, to + last[1], true
		}
		at = to + end
	}
}

// keepConditionals puts the actions that print them in the places of a list's conditional comments.
func keepConditionals(list *parse.ListNode, tree *parse.Tree) {
	if list == nil {
		return
	}
	var nodes []parse.Node
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.TextNode:
			nodes = append(nodes, splitConditionals(n, tree)...)
			continue
		case *parse.IfNode:
			keepConditionals(n.List, tree)
			keepConditionals(n.ElseList, tree)
		case *parse.WithNode:
			keepConditionals(n.List, tree)
			keepConditionals(n.ElseList, tree)
		case *parse.RangeNode:
			keepConditionals(n.List, tree)
			keepConditionals(n.ElseList, tree)
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
}

func splitConditionals(n *parse.TextNode, tree *parse.Tree) (nodes []parse.Node) {
	from := 0
	piece := func(to int) {
		if part, is := n.Copy().(*parse.TextNode); is && to > from { // a copy knows its file
			part.Text, part.Pos = n.Text[from:to], n.Pos+parse.Pos(from)
			nodes = append(nodes, part)
		}
	}
	for {
		start, end, found := nextConditional(n.Text[from:])
		if !found {
			piece(len(n.Text))
			return nodes
		}
		start, end = from+start, from+end
		piece(start)
		nodes = append(nodes, keepNode(tree, n.Pos+parse.Pos(start), string(n.Text[start:end])))
		from = end
	}
}

// keepNode is {{conditional "…"}}.
func keepNode(tree *parse.Tree, at parse.Pos, text string) parse.Node {
	name := parse.NewIdentifier(keepFunction).SetTree(tree).SetPos(at)
	said := &parse.StringNode{NodeType: parse.NodeString, Pos: at, Quoted: strconv.Quote(text), Text: text}
	command := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: at, Args: []parse.Node{name, said}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pos: at, Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: at, Cmds: []*parse.CommandNode{command}}}
}

// kept returns what a command of keepNode prints.
func kept(command *parse.CommandNode) (text string, is bool) {
	if name, function := command.Args[0].(*parse.IdentifierNode); !function || name.Ident != keepFunction || len(command.Args) != 2 {
		return "", false
	}
	said, is := command.Args[1].(*parse.StringNode)
	if !is {
		return "", false
	}
	return said.Text, true
}
