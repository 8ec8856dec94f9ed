package rendering

import (
	"bytes"
	"reflect"
	"text/template/parse"
)

// pipe is a pipeline of one command that declares nothing; the zero expression for all else.
func (c compiler) pipe(n *parse.PipeNode, dot reflect.Type) expression {
	return c.command(n.Cmds, n.Decl, dot)
}

func (c compiler) command(commands []*parse.CommandNode, declared []*parse.VariableNode, dot reflect.Type) expression {
	if len(commands) != 1 || len(declared) > 0 {
		return expression{}
	}
	arguments := commands[0].Args
	if function, is := arguments[0].(*parse.IdentifierNode); is {
		return c.function(function.Ident, arguments[1:], dot)
	}
	if len(arguments) > 1 {
		return expression{}
	}
	return c.argument(arguments[0], dot)
}

func (c compiler) argument(node parse.Node, dot reflect.Type) expression {
	self := func(_ *page, dot reflect.Value) reflect.Value { return dot }
	switch n := node.(type) {
	case *parse.DotNode:
		return expression{dot, self}
	case *parse.FieldNode:
		return field(expression{dot, self}, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			return field(expression{c.root, func(p *page, _ reflect.Value) reflect.Value { return p.root }}, n.Ident[1:])
		}
	case *parse.PipeNode:
		return c.pipe(n, dot)
	}
	return expression{}
}

// field follows names from a value.
func field(from expression, names []string) expression {
	for _, name := range names {
		if from.kind != nil && from.kind.Kind() == reflect.Map {
			from = entry(from, name)
			continue
		}
		if from.kind == nil || from.kind.Kind() != reflect.Struct {
			return expression{}
		}
		found, there := from.kind.FieldByName(name)
		if !there || len(found.Index) != 1 {
			return expression{}
		}
		at, outer := found.Index[0], from.of
		from = expression{found.Type, func(p *page, dot reflect.Value) reflect.Value { return outer(p, dot).Field(at) }}
	}
	return from
}

// entry is the text that a map has for a name, or an empty one.
func entry(from expression, name string) expression {
	outer, key, none := from.of, reflect.ValueOf(name), reflect.Zero(from.kind.Elem())
	return expression{from.kind.Elem(), func(p *page, dot reflect.Value) reflect.Value {
		if value := outer(p, dot).MapIndex(key); value.IsValid() {
			return value
		}
		return none
	}}
}

// function is and, or, or not, of values that are there: they say the same whether all arguments are evaluated or not.
func (c compiler) function(name string, arguments []parse.Node, dot reflect.Type) expression {
	values := make([]expression, len(arguments))
	for i, argument := range arguments {
		if values[i] = c.argument(argument, dot); values[i].of == nil {
			return expression{}
		}
	}
	switch {
	case (name == "and" || name == "or") && len(values) > 0:
		kind := values[0].kind
		for _, v := range values {
			if v.kind != kind {
				kind = nil
			}
		}
		return expression{kind, func(p *page, dot reflect.Value) (last reflect.Value) {
			for _, v := range values {
				if last = v.of(p, dot); isTrue(last) == (name == "or") {
					break
				}
			}
			return last
		}}
	case name == "not" && len(values) == 1:
		return expression{reflect.TypeFor[bool](), func(p *page, dot reflect.Value) reflect.Value {
			return reflect.ValueOf(!isTrue(values[0].of(p, dot)))
		}}
	}
	return expression{}
}

// isTrue is what text/template takes for true, of the types that a view has.
func isTrue(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() > 0
	case reflect.Bool:
		return v.Bool()
	default:
		return true // a struct
	}
}

// inline replaces the calls in a list by what they call, and reports whether that says the same. html/template keeps what
// it makes of a called template to itself; of the one tree that there is now it shows everything.
func inline(list *parse.ListNode, find lookup, atRoot bool, calls int) bool {
	if list == nil {
		return true
	}
	var nodes []parse.Node
	good := calls < maxCalls
	for _, node := range list.Nodes {
		if !good {
			return false
		}
		switch n := node.(type) {
		case *parse.IfNode:
			good = inline(n.List, find, atRoot, calls) && inline(n.ElseList, find, atRoot, calls)
		case *parse.WithNode:
			good = inline(n.List, find, false, calls) && inline(n.ElseList, find, atRoot, calls)
		case *parse.RangeNode:
			good = inline(n.List, find, false, calls) && inline(n.ElseList, find, atRoot, calls)
		case *parse.TemplateNode:
			called := find(n.Name)
			// Of the called template $ is what it is called with: the same only where that is $ here too.
			if called == nil || n.Pipe == nil || n.Pipe.String() != "." || (!atRoot && bytes.ContainsRune([]byte(called.Root.String()), '$')) {
				return false
			}
			body := called.Root.CopyList()
			good = inline(body, find, atRoot, calls+1)
			nodes = append(nodes, body.Nodes...)
			continue
		}
		nodes = append(nodes, node)
	}
	list.Nodes = nodes
	return good
}

// escapesHTML are html/template's escapers of values in text, in a title or text area, and in a quoted attribute: for a
// plain text they are one and the same.
var escapesHTML = map[string]bool{"_html_template_htmlescaper": true, "_html_template_rcdataescaper": true, "_html_template_attrescaper": true}

// writeEscaped writes a plain text as those escapers do.
func writeEscaped(out *bytes.Buffer, s string) {
	from := 0
	for i := range len(s) {
		var instead string
		switch s[i] {
		case 0:
			instead = "\uFFFD"
		case '"':
			instead = "&#34;"
		case '&':
			instead = "&amp;"
		case '\'':
			instead = "&#39;"
		case '+':
			instead = "&#43;"
		case '<':
			instead = "&lt;"
		case '>':
			instead = "&gt;"
		default:
			continue
		}
		out.WriteString(s[from:i])
		out.WriteString(instead)
		from = i + 1
	}
	out.WriteString(s[from:])
}
