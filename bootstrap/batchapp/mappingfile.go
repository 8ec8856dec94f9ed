package batchapp

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/bootstrap/fileio"
)

// maxMapping bounds a mapping file, in bytes.
const maxMapping = 256 << 10

// mappingFile is a mapping and the text that it was read from.
type mappingFile struct {
	mapping.Mapping
	path string
	text []byte
}

// readMapping reads what --mapping, --set and --column say into what is known about the file.
func (a *importArguments) readMapping(ctx context.Context, file *importing.File) error {
	answers, err := a.answers()
	switch {
	case err != nil:
		return err
	case a.mapping == "" && len(a.changes()) > 0:
		return errors.New("--set and --column change a mapping: name it with --mapping, or make one with --look")
	case a.mapping == "":
		return nil
	}
	m, err := readMapping(ctx, a.mapping, answers)
	if err != nil {
		return err
	}
	file.ParseMapping = parseKept
	file.Mapping, file.MappingName, file.MappingText = &m.Mapping, baseName(a.mapping), string(m.text)
	if changes := a.changes(); len(changes) > 0 {
		file.MappingText = strings.TrimSuffix(file.MappingText, "\n") + "\n"
		for _, flag := range changes {
			file.MappingText += fmt.Sprintf(changedBy+"%s %q\n", flag.name, flag.text)
		}
	}
	return nil
}

// settle finds out how the values of the columns are written that --column names, and keeps that with the mapping.
func (a *importArguments) settle(from io.ReadSeeker, file *importing.File) error {
	answers, err := a.answers()
	if err != nil || file.Mapping == nil {
		return err
	}
	before := *file.Mapping
	if err := importing.Settle(from, *file, answers); err != nil {
		return err
	}
	for _, s := range [][3]string{{"dates", before.Dates, cmp.Or(file.Mapping.Dates, "ymd")}, {"decimal", before.Decimal, cmp.Or(file.Mapping.Decimal, "point")}} {
		if s[1] != s[2] {
			file.MappingText += fmt.Sprintf(changedBy+"set %q\n", s[0]+"="+s[2])
		}
	}
	return nil
}

// changedBy begins the comments with which a kept mapping says what --set and --column changed.
const changedBy = "# changed by the import: --"

// parseKept reads a mapping that a month keeps, as its import changed it.
func parseKept(text string) (mapping.Mapping, error) {
	var said lookArguments
	for line := range strings.Lines(text) {
		flag, found := strings.CutPrefix(strings.TrimSuffix(line, "\n"), changedBy)
		if !found {
			continue
		}
		name, quoted, _ := strings.Cut(flag, " ")
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return mapping.Mapping{}, fmt.Errorf("%w: %s", port.ErrInvalid, line)
		}
		if name == "set" {
			said.set = append(said.set, value)
		} else {
			said.columns = append(said.columns, value)
		}
	}
	answers, err := said.answers()
	if err != nil {
		return mapping.Mapping{}, err
	}
	m, err := parseMapping("mapping", []byte(text), answers)
	if err != nil {
		return mapping.Mapping{}, err
	}
	return m.Mapping, nil
}

// readMapping reads a mapping file as the answers change it. Every error names the file, the line and the field.
func readMapping(ctx context.Context, path string, answers mapping.Answers) (*mappingFile, error) {
	text, err := readBounded(ctx, path, maxMapping)
	if err != nil {
		return nil, fmt.Errorf("--mapping: %w", err)
	}
	m, err := parseMapping(path, text, answers)
	if err != nil {
		return nil, fmt.Errorf("%w: the mapping cannot be used:\n%w", port.ErrInvalid, err)
	}
	return m, nil
}

// readBounded reads a file or an object that is not larger than a bound.
func readBounded(ctx context.Context, path string, bound int64) ([]byte, error) {
	file, err := fileio.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, bound+1))
	if err == nil && int64(len(text)) > bound {
		err = fmt.Errorf("%w: %s has more than %d KiB", port.ErrInvalid, path, bound>>10)
	}
	return text, err
}

func parseMapping(path string, text []byte, answers mapping.Answers) (*mappingFile, error) {
	m := &mappingFile{path: path, text: text}
	var tree yaml.Node
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, yamlError(path, err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&m.Mapping); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(path, err)
	}
	m.Apply(answers)
	var failures []error
	for _, p := range importing.CheckMapping(m.Mapping) {
		failures = append(failures, fmt.Errorf("  %s:%d: %s", path, lineOf(&tree, p.Path), p))
	}
	return m, errors.Join(failures...)
}

var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	yamlUnknown = regexp.MustCompile(`field (\S+) not found in type \S+`)
)

// yamlError writes what is wrong with the text of a mapping file as path:line: reason.
func yamlError(path string, err error) error {
	said := []string{err.Error()}
	var types *yaml.TypeError
	if errors.As(err, &types) {
		said = types.Errors
	}
	failures := make([]error, len(said))
	for i, text := range said {
		line := "1"
		if at := yamlLine.FindStringSubmatch(text); at != nil {
			line, text = at[1], text[len(at[0]):]
		}
		text = yamlUnknown.ReplaceAllString(strings.TrimPrefix(text, "yaml: "), "there is no key $1")
		failures[i] = fmt.Errorf("  %s:%s: %s", path, line, text)
	}
	return errors.Join(failures...)
}

// lineOf is the line of what a path leads to, or of the last part of it that is there.
func lineOf(tree *yaml.Node, path []any) int {
	node := tree
	if node.Kind == yaml.DocumentNode && len(node.Content) > 0 {
		node = node.Content[0]
	}
	line := max(node.Line, 1)
	for _, part := range path {
		var next *yaml.Node
		switch part := part.(type) {
		case int:
			if node.Kind == yaml.SequenceNode && part < len(node.Content) {
				next = node.Content[part]
				line = next.Line
			}
		case string:
			for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
				if node.Content[i].Value == part {
					next, line = node.Content[i+1], node.Content[i].Line
				}
			}
		}
		if next == nil {
			return line
		}
		node = next
	}
	return line
}
