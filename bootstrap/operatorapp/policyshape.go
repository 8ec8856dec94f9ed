package operatorapp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/balsong/balsong/domain/policy"
	"github.com/balsong/balsong/domain/wording"
)

// policyShape reads a policy file by the fields that it may have. What does not fit is a problem and left out, so that one mistake
// hides no other.
type policyShape struct {
	text     []byte
	tokens   *json.Decoder
	places   map[string]int64 // where in the text each field stands
	problems []policy.Problem
}

// readShape reads a file into f as far as it fits, and returns what does not, and where each field stands.
func readShape(text []byte, f *policyFile) *policyShape {
	s := &policyShape{text: text, tokens: json.NewDecoder(bytes.NewReader(text)), places: map[string]int64{}}
	s.tokens.UseNumber()
	fitting, err := s.value(reflect.TypeFor[policyFile](), "")
	if err == nil && len(s.problems) == 0 {
		if _, end := s.tokens.Token(); !errors.Is(end, io.EOF) {
			s.bad("file", "has text behind the policy")
		}
	}
	if err != nil {
		s.unreadable(err)
		return s
	}
	fits, err := json.Marshal(fitting)
	if err == nil {
		err = json.Unmarshal(fits, f)
	}
	if err != nil {
		s.unreadable(err)
	}
	return s
}

// bad notes a problem at the place that was read last.
func (s *policyShape) bad(field, format string, args ...any) {
	if field == "" {
		field = "file"
	}
	if _, known := s.places[field]; !known {
		s.places[field] = s.tokens.InputOffset()
	}
	s.problems = append(s.problems, policy.Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (s *policyShape) unreadable(err error) {
	s.places["file"] = s.tokens.InputOffset()
	if syntax, is := errors.AsType[*json.SyntaxError](err); is {
		s.places["file"] = syntax.Offset
	}
	switch {
	case len(bytes.TrimSpace(s.text)) == 0:
		s.bad("file", "is empty")
	case bytes.HasPrefix(s.text, []byte("\xff\xfe")), bytes.HasPrefix(s.text, []byte("\xfe\xff")):
		s.bad("file", "is UTF-16: save it as UTF-8")
	default:
		s.bad("file", "is not the JSON it should be: %s; what stands behind it was not read", err)
	}
}

// line is the line of a field, or of what it is a part of; 0 where neither stands in the file.
func (s *policyShape) line(field string) int {
	for field != "" {
		if at, known := s.places[field]; known {
			return 1 + bytes.Count(s.text[:min(at, int64(len(s.text)))], []byte("\n"))
		}
		field = field[:max(0, strings.LastIndexAny(field, ".["))]
	}
	return 0
}

// value reads the next value, which should be a t, and returns it; nil where it does not fit or is null.
func (s *policyShape) value(t reflect.Type, path string) (any, error) {
	token, err := s.tokens.Token()
	if err != nil {
		return nil, err
	}
	if _, known := s.places[path]; !known { // of an entry of a list, which has no name
		s.places[path] = s.tokens.InputOffset()
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	open, isDelim := token.(json.Delim)
	switch {
	case token == nil:
		return nil, nil
	case isDelim && open == '{' && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return s.object(t, path)
	case isDelim && open == '[' && t.Kind() == reflect.Slice:
		return s.list(t, path)
	case !isDelim && scalarFits(token, t):
		return token, nil
	}
	s.bad(path, "is %s (want %s)", described(token), wanted(t))
	if isDelim {
		return nil, s.skip(1)
	}
	return nil, nil
}

func (s *policyShape) object(t reflect.Type, path string) (any, error) {
	fields := map[string]any{}
	names := fieldNames(t)
	seen := map[string]bool{}
	for s.tokens.More() {
		token, err := s.tokens.Token()
		if err != nil {
			return nil, err
		}
		name := token.(string) // the decoder lets no other key through
		field := strings.TrimPrefix(path+"."+name, ".")
		if seen[name] {
			s.bad(field, "stands there twice, the second time on line %d", 1+bytes.Count(s.text[:s.tokens.InputOffset()], []byte("\n")))
			if err := s.skip(0); err != nil {
				return nil, err
			}
			continue
		}
		seen[name] = true
		s.places[field] = s.tokens.InputOffset()
		inner, known := names[name]
		if t.Kind() == reflect.Map {
			inner, known = t.Elem(), true
		}
		if !known {
			s.bad(field, "is no field there%s (docs/operations/policy.md lists them)", meantField(name, names))
			if err := s.skip(0); err != nil {
				return nil, err
			}
			continue
		}
		value, err := s.value(inner, field)
		if err != nil {
			return nil, err
		}
		if value != nil {
			fields[name] = value
		}
	}
	_, err := s.tokens.Token() // the closing brace
	return fields, err
}

func (s *policyShape) list(t reflect.Type, path string) (any, error) {
	list := []any{}
	for i := 0; s.tokens.More(); i++ {
		value, err := s.value(t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		if err != nil {
			return nil, err
		}
		if value == nil { // the entries behind it keep their numbers
			value = reflect.Zero(t.Elem()).Interface()
		}
		list = append(list, value)
	}
	_, err := s.tokens.Token() // the closing bracket
	return list, err
}

// skip reads on until depth objects and lists are closed; the next value where depth is 0.
func (s *policyShape) skip(depth int) error {
	for {
		token, err := s.tokens.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default: // a key or a value
		}
		if depth <= 0 {
			return nil
		}
	}
}

// fieldNames are the fields of a struct by their names in JSON.
func fieldNames(t reflect.Type) map[string]reflect.Type {
	names := map[string]reflect.Type{}
	if t.Kind() == reflect.Struct {
		for i := range t.NumField() {
			names[t.Field(i).Tag.Get("json")] = t.Field(i).Type
		}
	}
	return names
}

// meantField says which field is likely meant; "" where none is like it.
func meantField(name string, names map[string]reflect.Type) string {
	near := wording.Nearest(strings.ToLower(name), slices.Sorted(maps.Keys(names)))
	if near == "" || len(name) < len(near)/2 || len(near) < 4 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near)
}

// scalarFits reports whether a text or number can be a value of a type.
func scalarFits(token json.Token, t reflect.Type) bool {
	switch v := token.(type) {
	case string:
		return t.Kind() == reflect.String
	case json.Number:
		var err error
		switch t.Kind() {
		case reflect.Float64:
			_, err = strconv.ParseFloat(v.String(), 64)
		case reflect.Int, reflect.Int16:
			_, err = strconv.ParseInt(v.String(), 10, t.Bits())
		default:
			return false
		}
		return err == nil
	default:
		return false
	}
}

// described says in JSON's words what a value is.
func described(token json.Token) string {
	switch v := token.(type) {
	case json.Delim:
		if v == '{' {
			return "an object"
		}
		return "a list"
	case json.Number:
		return "the number " + v.String()
	case string:
		return "a string"
	default:
		return fmt.Sprint(token)
	}
}
