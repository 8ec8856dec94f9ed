package cloudformation

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Decode decodes the properties of a resource as they stand, with what they refer to as !Sub would write it: !Ref Name is "${Name}", and
// an import is the name of what is imported.
func (r Resource) Decode(into any) error { return written(r.Properties).Decode(into) }

// written is a node without tags.
func written(node *yaml.Node) *yaml.Node {
	plain := *node
	switch {
	case node.Tag == "!Ref" || node.Tag == "!GetAtt":
		plain.Tag, plain.Value = "!!str", "${"+node.Value+"}"
	case node.Tag == "!ImportValue":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: scalar(get(node, "Fn::Sub"))}
	case strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!"):
		plain.Tag = ""
		if node.Kind == yaml.ScalarNode {
			plain.Tag = "!!str"
		}
	}
	plain.Content = make([]*yaml.Node, len(node.Content))
	for i, child := range node.Content {
		plain.Content[i] = written(child)
	}
	return &plain
}
