package core

import (
	"encoding/json"
	"fmt"
	"io"
)

// Output is how a command answers on stdout: text for people, or one JSON document for programs. Everything else that a
// command says goes to stderr. It is a flag.Value and a pflag.Value.
type Output string

// The outputs.
const (
	Text Output = "text"
	JSON Output = "json"
)

// OutputHelp is the help text of the flag. The words in backquotes name its value in lists of flags.
const OutputHelp = "form of the answer on stdout: `text|json`, where json is one JSON document"

// String implements flag.Value.
func (o *Output) String() string {
	if *o == "" {
		return string(Text)
	}
	return string(*o)
}

// Set implements flag.Value.
func (o *Output) Set(s string) error {
	if s != string(Text) && s != string(JSON) {
		return fmt.Errorf("%q is neither text nor json", s)
	}
	*o = Output(s)
	return nil
}

// Type implements pflag.Value.
func (o *Output) Type() string { return "text|json" }

// Answer writes a command's answer: the document as JSON, or what text writes.
func (o Output) Answer(w io.Writer, document any, text func(io.Writer)) error {
	if o != JSON {
		text(w)
		return nil
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}
