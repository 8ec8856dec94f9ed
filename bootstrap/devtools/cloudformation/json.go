package cloudformation

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// JSON is the template as JSON, with the long names of functions: what reads YAML of CloudFormation only in part reads this.
func (t Template) JSON() ([]byte, error) { return json.Marshal(plain(t.root)) }

// plain is a node without tags: !Ref X is {"Ref": "X"}.
func plain(node *yaml.Node) any {
	function, is := strings.CutPrefix(node.Tag, "!")
	if !is || strings.HasPrefix(function, "!") {
		return content(node)
	}
	switch function {
	case "Ref", "Condition":
		return map[string]any{function: node.Value}
	case "GetAtt":
		name, attribute, _ := strings.Cut(node.Value, ".")
		return map[string]any{"Fn::GetAtt": []any{name, attribute}}
	}
	return map[string]any{"Fn::" + function: content(node)}
}

func content(node *yaml.Node) any {
	switch node.Kind { //nolint:exhaustive // what is no mapping and no list is a value
	case yaml.MappingNode:
		all := map[string]any{}
		each(node, func(key string, value *yaml.Node) { all[key] = plain(value) })
		return all
	case yaml.SequenceNode:
		all := make([]any, 0, len(node.Content))
		for _, item := range node.Content {
			all = append(all, plain(item))
		}
		return all
	}
	var value any
	if untagged := (yaml.Node{Kind: yaml.ScalarNode, Value: node.Value, Style: node.Style}); untagged.Decode(&value) != nil {
		return node.Value
	}
	return value
}
