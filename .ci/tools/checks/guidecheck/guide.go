package main

import (
	"fmt"
	"regexp"
	"strings"
)

// step is a block of the guide, or a line of one; line is that of its first line.
type step struct {
	kind, text string // kind: diff, sh, file
	file       string // of kind file
	line       int
}

var comment = regexp.MustCompile(`^<!-- (not run|file|run)(?:: (.*))? -->$`)

// read finds the blocks that are applied, run or written, and what comments add to them.
func read(guide string) (steps []step) {
	var at *step
	var next []string // the comment that goes with the block that follows
	for i, line := range strings.Split(guide, "\n") {
		said := comment.FindStringSubmatch(line)
		switch {
		case at != nil && line == "```":
			if at.kind == "diff" || at.kind == "sh" || at.kind == "file" {
				steps = append(steps, *at)
			}
			at = nil
		case at != nil:
			at.text += line + "\n"
		case strings.HasPrefix(line, "```"):
			at = &step{kind: strings.TrimPrefix(line, "```"), line: i + 2}
			if next != nil && next[1] == "file" {
				at.kind, at.file = "file", next[2]
			} else if next != nil {
				at.kind = next[1]
			}
			next = nil
		case said != nil && said[1] == "run":
			steps = append(steps, step{kind: "sh", text: said[2] + "\n", line: i + 1})
		case said != nil:
			next = said
		}
	}
	return steps
}

// script makes one program of a guide's steps, which writes to the file at the line that it has reached.
func script(guide, at string, steps []step) (string, error) {
	var program strings.Builder
	program.WriteString("trap 'trap \"\" TERM; kill 0; wait' EXIT\n") // ends what the guide started
	for _, s := range steps {
		fmt.Fprintf(&program, "echo %d >%q; echo '== %s:%d'\n", s.line, at, guide, s.line)
		end := fmt.Sprintf("end of line %d", s.line)
		switch s.kind {
		case "diff":
			fmt.Fprintf(&program, "git apply --verbose - <<'%s'\n%s%s\n", end, s.text, end)
		case "file":
			fmt.Fprintf(&program, "cat >%q <<'%s'\n%s%s\n", s.file, end, s.text, end)
		default:
			commands, err := strict(s.text)
			if err != nil {
				return "", fmt.Errorf("%s, the block of line %d: %w", guide, s.line, err)
			}
			program.WriteString(commands)
		}
	}
	return program.String(), nil
}

var (
	failing = regexp.MustCompile(`(?m)^(.*) \|\| echo "exit code \$\?" # ([0-9]+)$`)
	unknown = regexp.MustCompile(`(?m)\|\| echo "exit code.*$`)
	chained = regexp.MustCompile(`(?m)^(\S.* && .*[^\\])$`)
)

// strict lets each command whose exit code the guide says end the program unless it ends with that, and each line of
// `A && B` where A fails, which `set -e` alone does not.
func strict(commands string) (string, error) {
	commands = failing.ReplaceAllString(commands, `code=0; $1 || code=$$?; [ $$code = $2 ] || { echo "exit code $$code, the guide says $2"; exit 1; }`)
	commands = chained.ReplaceAllString(commands, "{\n$1\n} || false")
	if rest := unknown.FindString(commands); rest != "" {
		return "", fmt.Errorf("%q does not say which exit code is meant: end the line with it, as in # 3", rest)
	}
	return commands, nil
}
