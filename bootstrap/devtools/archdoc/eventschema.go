package archdoc

import (
	"fmt"
	"go/constant"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/domain/attempt"
	"github.com/balsong/balsong/domain/key"
)

// schemaOf describes a struct as it is encoded, its fields' comments included.
func schemaOf(code *workspace, t reflect.Type) (*yaml.Node, error) {
	properties, required := object(), sequence()
	if err := addFields(code, t, properties, required); err != nil {
		return nil, err
	}
	return object("type", "object", "required", required, "properties", properties), nil
}

func addFields(code *workspace, t reflect.Type, properties, required *yaml.Node) error {
	pkg, err := code.find(strings.TrimPrefix(t.PkgPath(), project))
	if err != nil {
		return err
	}
	comments := fieldComments(pkg, t.Name())
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous {
			if err := addFields(code, field.Type, properties, required); err != nil {
				return err
			}
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		described, err := typeSchema(code, field.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, field.Name, err)
		}
		if comments[field.Name] == "" {
			return fmt.Errorf("%s.%s has no comment: the contract would not say what it is", t, field.Name)
		}
		put(described, "description", comments[field.Name])
		if least, ok := leasts[name]; ok {
			put(described, "minimum", least)
		}
		if options != "omitempty" {
			required.Content = append(required.Content, scalar(name))
			if field.Type.Kind() == reflect.Slice {
				put(described, "minLength", 1)
			}
		}
		put(properties, name, described)
	}
	return nil
}

// leasts are the bounds that the decoder keeps; a test holds it to them.
var leasts = map[string]int{"user_id": 1, "attempt": 0, "round": 0, "step": 0, "call_deadline_ms": 0}

func typeSchema(code *workspace, t reflect.Type) (*yaml.Node, error) {
	switch t {
	case reflect.TypeFor[time.Time](), reflect.TypeFor[*time.Time]():
		return object("type", "string", "format", "date-time"), nil
	case reflect.TypeFor[key.Month]():
		return object("type", "string", "pattern", "^[0-9]{4}-(0[1-9]|1[0-2])$"), nil
	case reflect.TypeFor[[]byte]():
		return object("type", "string", "contentEncoding", "base64"), nil
	case reflect.TypeFor[attempt.State]():
		return object("type", "string", "enum", sequence(closedStates()...)), nil
	case reflect.TypeFor[attempt.FailureClass](), reflect.TypeFor[attempt.Reason]():
		values, err := constants(code, t) // the decoder takes others too: a newer writer may know more
		return object("type", "string", "examples", sequence(values...)), err
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(code, t.Elem())
	case reflect.Struct:
		return schemaOf(code, t)
	case reflect.Int16, reflect.Int32, reflect.Int64:
		return object("type", "integer", "format", t.Kind().String()), nil
	case reflect.String:
		values, err := constants(code, t)
		if len(values) == 0 || err != nil {
			return object("type", "string"), err
		}
		return object("type", "string", "enum", sequence(values...)), nil
	default:
		return nil, fmt.Errorf("no schema for %s", t)
	}
}

func closedStates() (values []any) {
	for _, s := range attempt.States {
		if s.Closed() {
			values = append(values, string(s))
		}
	}
	return values
}

// constants lists the values of a named string type, in the order in which its package declares them.
func constants(code *workspace, t reflect.Type) ([]any, error) {
	if t.PkgPath() == "" {
		return nil, nil
	}
	pkg, err := code.find(strings.TrimPrefix(t.PkgPath(), project))
	if err != nil {
		return nil, err
	}
	var found []*types.Const
	for _, name := range pkg.Types.Scope().Names() {
		c, ok := pkg.Types.Scope().Lookup(name).(*types.Const)
		if ok && types.TypeString(c.Type(), nil) == t.PkgPath()+"."+t.Name() {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b *types.Const) int { return int(a.Pos() - b.Pos()) })
	values := make([]any, 0, len(found))
	for _, c := range found {
		values = append(values, constant.StringVal(c.Val()))
	}
	return values, nil
}

// object is a mapping that keeps its order: names and values in turn.
func object(pairs ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(pairs); i += 2 {
		put(n, fmt.Sprint(pairs[i]), pairs[i+1])
	}
	return n
}

func put(n *yaml.Node, name string, value any) {
	n.Content = append(n.Content, scalar(name), scalar(value))
}

func sequence(values ...any) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, v := range values {
		n.Content = append(n.Content, scalar(v))
	}
	return n
}

func scalar(value any) *yaml.Node {
	if n, ok := value.(*yaml.Node); ok {
		return n
	}
	n := &yaml.Node{}
	if err := n.Encode(value); err != nil {
		n.SetString(fmt.Sprint(value))
	}
	return n
}
