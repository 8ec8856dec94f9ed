// Package programs reads which variables each program reads, from the page that is written from the code and that a test keeps fresh.
package programs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Variable is one variable of a program.
type Variable struct {
	Required bool
	Secret   bool   // may also be named by NAME_FILE
	Default  string // "" where there is none
}

// Program is what one program reads, by name.
type Program map[string]Variable

var row = regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (required|–|`[^`]*`) \\| (.*) \\|$")

// Read returns every program of docs/operations/configuration.md below root, by its headline ("delivery (role settlement)").
func Read(root string) (map[string]Program, error) {
	text, err := os.ReadFile(filepath.Join(root, "docs/operations/configuration.md"))
	if err != nil {
		return nil, err
	}
	list := map[string]Program{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, rest, _ := strings.Cut(section, "\n")
		program := Program{}
		for _, match := range row.FindAllStringSubmatch(rest, -1) {
			variable := Variable{Required: match[2] == "required", Secret: strings.Contains(match[3], "(a secret)")}
			if strings.HasPrefix(match[2], "`") {
				variable.Default = strings.Trim(match[2], "`")
			}
			program[match[1]] = variable
		}
		if len(program) == 0 {
			return nil, fmt.Errorf("docs/operations/configuration.md: no variable of %q can be read", name)
		}
		list[name] = program
	}
	return list, nil
}

// Has reports whether a program reads a variable, by its name or, a secret, as NAME_FILE.
func (p Program) Has(name string) bool {
	if _, ok := p[name]; ok {
		return true
	}
	of, isFile := strings.CutSuffix(name, "_FILE")
	return isFile && p[of].Secret
}

// Missing are the required variables that are not among those that are set.
func (p Program) Missing(set map[string]string) (names []string) {
	for name, variable := range p {
		_, given := set[name]
		_, inFile := set[name+"_FILE"]
		if variable.Required && !given && !(variable.Secret && inFile) {
			names = append(names, name)
		}
	}
	return names
}
