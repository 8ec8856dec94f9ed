// Package secrets finds what a setting stands for: the value itself, or a reference to where it is kept (a file, AWS
// Parameter Store, AWS Secrets Manager). Nothing is kept in between, and no error holds any part of a secret.
package secrets

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrReference says that a reference cannot be one, or that what it names does not hold what it should. Asking again
// does not help.
var ErrReference = errors.New("the reference cannot be followed")

// Kind is where a reference points.
type Kind string

// The kinds, as references begin with them.
const (
	File           Kind = "file"           // file:/run/secrets/kafka-password
	ParameterStore Kind = "ssm"            // ssm:/balsong/kafka-password
	SecretsManager Kind = "secretsmanager" // secretsmanager:balsong/db#password, or with an ARN
)

// Reference names a secret; the zero value is none.
type Reference struct {
	Kind  Kind
	Name  string
	Field string // of a secret that is a JSON object; "": all of it
}

// Parse reads a setting. is tells whether it is a reference; any other value is the setting itself.
func Parse(value string) (reference Reference, is bool, err error) {
	kind, rest, found := strings.Cut(value, ":")
	switch Kind(kind) {
	case File, ParameterStore, SecretsManager:
	default:
		found = false
	}
	if !found {
		return Reference{}, false, nil
	}
	reference = Reference{Kind: Kind(kind), Name: rest}
	if reference.Kind == SecretsManager {
		reference.Name, reference.Field, found = strings.Cut(rest, "#")
		if found && reference.Field == "" {
			return reference, true, fmt.Errorf("%w: %s: the field's name behind # is missing", ErrReference, reference)
		}
	}
	if reference.Name == "" || strings.ContainsFunc(reference.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return reference, true, fmt.Errorf("%w: %s: no name behind %s: (want %s)", ErrReference, reference, kind, example[reference.Kind])
	}
	return reference, true, nil
}

var example = map[Kind]string{
	File: "file:/path/to/it", ParameterStore: "ssm:/path/to/it", SecretsManager: "secretsmanager:name-or-arn, or secretsmanager:name-or-arn#field",
}

// String is the reference as it is written. It holds no part of the secret.
func (r Reference) String() string {
	text := fmt.Sprintf("%s:%q", r.Kind, r.Name)
	if plain := string(r.Kind) + ":" + r.Name; text == string(r.Kind)+`:"`+r.Name+`"` {
		text = plain
	}
	if r.Field != "" {
		text += "#" + r.Field
	}
	return text
}

// pick takes the field of a secret that is a JSON object.
func (r Reference) pick(value []byte) ([]byte, error) {
	if r.Field == "" {
		return value, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(value, &fields); err != nil {
		return nil, fmt.Errorf("%w: %s: the secret is no JSON object, so it has no field %q", ErrReference, r, r.Field)
	}
	raw, there := fields[r.Field]
	if !there {
		return nil, fmt.Errorf("%w: %s: the secret has no field %q", ErrReference, r, r.Field)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return []byte(text), nil
	}
	return bytes.TrimSpace(raw), nil // a number, true, or JSON inside JSON such as a keyset
}
