// Package cloudformation reads the templates of deploy/aws: for the rules that no other tool knows, since they compare a
// template with the program that it runs, and for what the stacks cost.
package cloudformation

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Order is in which the templates are deployed: each may import what those before it export.
var Order = []string{"network", "data", "access", "services", "alarms"}

// Template is one file.
type Template struct {
	File string // its name
	root *yaml.Node
}

// Read reads the templates of a directory, in the order of their deployment. One that is not there is left out.
func Read(dir string) ([]Template, error) {
	var list []Template
	for _, name := range Order {
		file := name + ".yaml"
		text, err := os.ReadFile(filepath.Join(dir, file))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var document yaml.Node
		if err := yaml.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if len(document.Content) == 0 {
			return nil, fmt.Errorf("%s is empty", file)
		}
		list = append(list, Template{File: file, root: document.Content[0]})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no template in %s", dir)
	}
	return list, nil
}

// Resource is one resource of a template.
type Resource struct {
	Template   string // file
	Name, Type string
	Condition  string // under which it is made; "": always
	Properties *yaml.Node
}

// At says where a resource stands, for a message.
func (r Resource) At() string { return r.Template + ", " + r.Name }

// Names are the properties of a resource.
func (r Resource) Names() (list []string) {
	each(r.Properties, func(name string, _ *yaml.Node) { list = append(list, name) })
	return list
}

// Resources are those of a template, in the order of the file.
func (t Template) Resources() (list []Resource) {
	each(get(t.root, "Resources"), func(name string, node *yaml.Node) {
		list = append(list, Resource{Template: t.File, Name: name, Type: scalar(get(node, "Type")), Condition: scalar(get(node, "Condition")), Properties: get(node, "Properties")})
	})
	return list
}

// Parameter is one parameter of a template.
type Parameter struct {
	Name    string
	Default string
	HasNone bool // it must be given
}

// Parameters are those of a template, in the order of the file.
func (t Template) Parameters() (list []Parameter) {
	each(get(t.root, "Parameters"), func(name string, node *yaml.Node) {
		value := get(node, "Default")
		list = append(list, Parameter{Name: name, Default: scalar(value), HasNone: value == nil})
	})
	return list
}

// OfType finds the resources of a type in several templates.
func OfType(templates []Template, kind string) (list []Resource) {
	for _, t := range templates {
		for _, r := range t.Resources() {
			if r.Type == kind {
				list = append(list, r)
			}
		}
	}
	return list
}

// get follows keys; nil where one is missing.
func get(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		if node == nil || node.Kind != yaml.MappingNode {
			return nil
		}
		var found *yaml.Node
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == key {
				found = node.Content[i+1]
			}
		}
		node = found
	}
	return node
}

// each visits the entries of a mapping.
func each(node *yaml.Node, visit func(key string, value *yaml.Node)) {
	if node == nil || node.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		visit(node.Content[i].Value, node.Content[i+1])
	}
}

// items are the elements of a list; of anything else it is the only one.
func items(node *yaml.Node) []*yaml.Node {
	switch {
	case node == nil:
		return nil
	case node.Kind == yaml.SequenceNode && node.Tag == "!!seq":
		return node.Content
	}
	return []*yaml.Node{node}
}

// scalar is a value that stands there as it is; of a reference it is what it refers to.
func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}

// walk visits a node and all below it, with the keys that lead there.
func walk(node *yaml.Node, path []string, visit func(path []string, node *yaml.Node)) {
	if node == nil {
		return
	}
	visit(path, node)
	switch node.Kind { //nolint:exhaustive // below a value is nothing
	case yaml.MappingNode:
		each(node, func(key string, value *yaml.Node) { walk(value, append(path[:len(path):len(path)], key), visit) })
	case yaml.SequenceNode:
		for _, item := range node.Content {
			walk(item, path, visit)
		}
	}
}

// imported is the export that a node asks for, without the installation's name in front of it; "" where it asks for none.
func imported(node *yaml.Node) (name string) {
	if node == nil || node.Tag != "!ImportValue" {
		return ""
	}
	value := scalar(get(node, "Fn::Sub"))
	return strings.TrimPrefix(value, "${Name}-")
}
