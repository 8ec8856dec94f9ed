package core

import (
	"fmt"
	"io"
)

// ExitReference writes docs/operations/exit-codes.md.
func ExitReference(w io.Writer) {
	fmt.Fprint(w, `# Exit codes

Written from core.ExitCodes; a test fails when it is stale. They are the same for every command. The answer of a command goes to
stdout (with `+"`--output json`"+` as one JSON document), everything else (progress, logs, errors) to stderr. A command that runs
another one (`+"`balsong-dev localenv -- command`"+`) ends with that one's code. A long-running service that was asked to end ends with 0.

| code | name | meaning |
|---:|---|---|
`)
	for _, e := range ExitCodes {
		fmt.Fprintf(w, "| %d | %s | %s |\n", e.Code, e.Name, e.Meaning)
	}
}
