package cloudformation

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Values say what stands in for what only an account knows: parameters, imports, and AWS's own names (AWS::Region).
type Values map[string]string

// WithDefaults returns the values with the defaults of a template's parameters where there is none.
func (v Values) WithDefaults(t Template) Values {
	all := Values{}
	for _, p := range t.Parameters() {
		if !p.HasNone {
			all[p.Name] = p.Default
		}
	}
	for name, value := range v {
		all[name] = value
	}
	return all
}

// Resolve computes what a value of a template comes to.
func (v Values) Resolve(t Template, node *yaml.Node) (string, error) {
	switch node.Tag {
	case "!Ref", "!GetAtt":
		return v.of(node.Value)
	case "!ImportValue":
		return v.of(imported(node))
	case "!Sub":
		return v.substitute(t, node)
	case "!If":
		return v.choose(t, node)
	}
	if node.Kind != yaml.ScalarNode || strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!") {
		return "", fmt.Errorf("line %d: %s cannot be resolved here", node.Line, node.Tag)
	}
	return node.Value, nil
}

func (v Values) of(name string) (string, error) {
	value, known := v[name]
	if !known {
		return "", fmt.Errorf("nothing says what %s is", name)
	}
	return value, nil
}

// substitute is Fn::Sub, with or without values of its own.
func (v Values) substitute(t Template, node *yaml.Node) (string, error) {
	text, own := node, (*yaml.Node)(nil)
	if node.Kind == yaml.SequenceNode && len(node.Content) == 2 {
		text, own = node.Content[0], node.Content[1]
	}
	var out strings.Builder
	rest := text.Value
	for {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, behind, _ := strings.Cut(after, "}")
		value, err := v.of(name)
		if given := get(own, name); given != nil {
			value, err = v.Resolve(t, given)
		}
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		rest = behind
	}
}

// choose is Fn::If over conditions of the forms that the templates have: !Equals, !Not of one, and !Or of other conditions.
func (v Values) choose(t Template, node *yaml.Node) (string, error) {
	holds, err := v.holds(t, get(t.root, "Conditions", node.Content[0].Value))
	if err != nil {
		return "", err
	}
	if holds {
		return v.Resolve(t, node.Content[1])
	}
	return v.Resolve(t, node.Content[2])
}

func (v Values) holds(t Template, condition *yaml.Node) (bool, error) {
	switch {
	case condition == nil:
		return false, fmt.Errorf("a condition that does not exist")
	case condition.Tag == "!Not":
		holds, err := v.holds(t, condition.Content[0])
		return !holds, err
	case condition.Tag == "!Condition":
		return v.holds(t, get(t.root, "Conditions", condition.Value))
	case condition.Tag == "!Or":
		for _, one := range condition.Content {
			if holds, err := v.holds(t, one); holds || err != nil {
				return holds, err
			}
		}
		return false, nil
	case condition.Tag != "!Equals":
		return false, fmt.Errorf("line %d: %s cannot be resolved here", condition.Line, condition.Tag)
	}
	one, err := v.Resolve(t, condition.Content[0])
	if err != nil {
		return false, err
	}
	other, err := v.Resolve(t, condition.Content[1])
	return one == other, err
}

// Property computes a property of a resource.
func (v Values) Property(t Template, r Resource, keys ...string) (string, error) {
	node := get(r.Properties, keys...)
	if node == nil {
		return "", fmt.Errorf("%s has no %s", r.At(), strings.Join(keys, "."))
	}
	return v.Resolve(t, node)
}

// Made are the resources of a type that a template makes with these values: those without a condition, or whose condition holds.
func (v Values) Made(t Template, kind string) (list []Resource, err error) {
	for _, r := range OfType([]Template{t}, kind) {
		holds := r.Condition == ""
		if !holds {
			if holds, err = v.holds(t, get(t.root, "Conditions", r.Condition)); err != nil {
				return nil, err
			}
		}
		if holds {
			list = append(list, r)
		}
	}
	return list, nil
}

// MetricsRead counts the metrics that an alarm reads.
func (r Resource) MetricsRead() (n int) {
	for _, metric := range items(get(r.Properties, "Metrics")) {
		if get(metric, "MetricStat") != nil {
			n++
		}
	}
	return max(n, 1)
}
