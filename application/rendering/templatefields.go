package rendering

import (
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
)

// visit is a template called with a type of dot. Each is checked once.
type visit struct {
	name string
	dot  reflect.Type
}

type variable struct {
	name string
	kind reflect.Type
}

// checker walks through a template's tree and follows the types of dot and of the variables. A nil type is unknown.
type checker struct {
	find      lookup
	tree      *parse.Tree
	variables []variable
	seen      map[visit]bool
	wrong     func(tree *parse.Tree, node parse.Node, reason string)
	used      func(tree *parse.Tree, node parse.Node, name string) // a field of the billing data
}

func (c *checker) node(node parse.Node, dot reflect.Type) {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				c.node(child, dot)
			}
		}
	case *parse.ActionNode:
		c.pipe(n.Pipe, dot)
	case *parse.IfNode:
		c.branch(&n.BranchNode, dot, func(reflect.Type) reflect.Type { return dot })
	case *parse.WithNode:
		c.branch(&n.BranchNode, dot, func(value reflect.Type) reflect.Type { return value })
	case *parse.RangeNode:
		c.branch(&n.BranchNode, dot, func(value reflect.Type) reflect.Type { return c.element(n, value) })
	case *parse.TemplateNode:
		c.call(n, dot)
	}
}

// branch checks both branches of an if, with or range; inside returns the type of dot in the first.
func (c *checker) branch(n *parse.BranchNode, dot reflect.Type, inside func(reflect.Type) reflect.Type) {
	known := len(c.variables)
	value := c.pipe(n.Pipe, dot)
	within := inside(value)
	if n.NodeType == parse.NodeRange && len(n.Pipe.Decl) > 0 {
		c.variables[len(c.variables)-1].kind = within
		if len(n.Pipe.Decl) == 2 {
			c.variables[len(c.variables)-2].kind = reflect.TypeFor[int]()
			if value != nil && value.Kind() == reflect.Map {
				c.variables[len(c.variables)-2].kind = value.Key()
			}
		}
	}
	c.node(n.List, within)
	c.node(n.ElseList, dot)
	c.variables = c.variables[:known]
}

// element returns the type of the elements that a range goes through.
func (c *checker) element(n *parse.RangeNode, value reflect.Type) reflect.Type {
	switch {
	case value == nil:
		return nil
	case value.Kind() == reflect.Slice, value.Kind() == reflect.Map:
		return value.Elem()
	default:
		c.wrong(c.tree, n, "range goes through a list, and "+n.Pipe.String()+" is none")
		return nil
	}
}

// call checks the template that is called.
func (c *checker) call(n *parse.TemplateNode, dot reflect.Type) {
	var value reflect.Type
	if n.Pipe != nil {
		value = c.pipe(n.Pipe, dot)
	}
	called := c.find(n.Name)
	switch v := (visit{n.Name, value}); {
	case called == nil || called.Root == nil:
		c.wrong(c.tree, n, fmt.Sprintf("the template %q is not defined", n.Name))
	case !c.seen[v]:
		c.seen[v] = true
		inner := *c
		inner.tree, inner.variables = called, []variable{{"$", value}}
		inner.node(called.Root, value)
	}
}

// pipe returns the type of a pipeline and notes the variables that it declares.
func (c *checker) pipe(n *parse.PipeNode, dot reflect.Type) (value reflect.Type) {
	for i, command := range n.Cmds {
		for at, argument := range command.Args {
			kind := c.argument(argument, dot)
			if at == 0 {
				value = kind
			}
		}
		if _, function := command.Args[0].(*parse.IdentifierNode); function || i > 0 {
			value = nil
		}
	}
	for _, declared := range n.Decl {
		if n.IsAssign {
			c.forget(declared.Ident[0])
		} else {
			c.variables = append(c.variables, variable{declared.Ident[0], value})
		}
	}
	return value
}

// forget makes the type of a variable unknown, because it was assigned to.
func (c *checker) forget(name string) {
	for i := range c.variables {
		if c.variables[i].name == name {
			c.variables[i].kind = nil
		}
	}
}

func (c *checker) argument(node parse.Node, dot reflect.Type) reflect.Type {
	switch n := node.(type) {
	case *parse.DotNode:
		return dot
	case *parse.NumberNode:
		return reflect.TypeFor[int]()
	case *parse.FieldNode:
		return c.fields(n, dot, n.Ident)
	case *parse.ChainNode:
		return c.fields(n, c.argument(n.Node, dot), n.Field)
	case *parse.PipeNode:
		return c.pipe(n, dot)
	case *parse.VariableNode:
		for i := len(c.variables) - 1; i >= 0; i-- {
			if c.variables[i].name == n.Ident[0] {
				return c.fields(n, c.variables[i].kind, n.Ident[1:])
			}
		}
	}
	return nil
}

// fields follows a chain of fields.
func (c *checker) fields(node parse.Node, t reflect.Type, names []string) reflect.Type {
	for _, name := range names {
		if t == nil {
			return nil
		}
		if t.Kind() == reflect.Map {
			c.used(c.tree, node, name)
			t = t.Elem()
			continue
		}
		if t.Kind() != reflect.Struct {
			c.wrong(c.tree, node, fmt.Sprintf(".%s: %s has no fields", name, node))
			return nil
		}
		field, found := t.FieldByName(name)
		if !found {
			c.wrong(c.tree, node, fmt.Sprintf("there is no field .%s (there are .%s)", name, strings.Join(fieldNames(t), ", .")))
			return nil
		}
		t = field.Type
	}
	return t
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i] = t.Field(i).Name
	}
	return names
}
