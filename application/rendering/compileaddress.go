package rendering

import (
	"reflect"
	"slices"
	"strings"
	"text/template/parse"
)

// addressEscapers are what html/template adds to a value with which an address in a quoted attribute begins.
var addressEscapers = []string{"_html_template_urlfilter", "_html_template_urlnormalizer", "_html_template_attrescaper"}

// address prints a value with which an address begins. What html/template would write otherwise than its attribute escaper is
// unknown: of most addresses there is nothing.
func (c compiler) address(n *parse.ActionNode, dot reflect.Type) (made step, is bool) {
	commands := n.Pipe.Cmds
	if len(commands) != 1+len(addressEscapers) || !slices.EqualFunc(commands[1:], addressEscapers, func(c *parse.CommandNode, name string) bool {
		return c.String() == name
	}) {
		return nil, false
	}
	value := c.command(commands[:1], n.Pipe.Decl, dot)
	if value.kind == nil || value.kind.Kind() != reflect.String {
		return nil, false
	}
	return func(p *page, dot reflect.Value) bool {
		text := value.of(p, dot).String()
		if !isPlainAddress(text) {
			return false
		}
		writeEscaped(p.out, text)
		return true
	}, true
}

// isPlainAddress reports whether html/template's filter lets an address pass and its normalizer leaves it alone.
func isPlainAddress(text string) bool {
	rest, https := strings.CutPrefix(text, "https://")
	if !https {
		return false
	}
	for i := range len(rest) {
		c := rest[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("-._~!#$&*+,/:;=?@[]", c) < 0 {
			return false
		}
	}
	return true
}
