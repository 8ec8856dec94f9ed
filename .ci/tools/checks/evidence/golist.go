package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath, Name, Dir string
	Standard              bool
	GoFiles, Imports      []string
	Module                *struct{ Path, Version string }
}

// ours reports whether the package belongs to the project.
func (p pkg) ours() bool { return strings.HasPrefix(p.ImportPath, project) }

// short is the import path without the project's.
func (p pkg) short() string { return strings.TrimPrefix(p.ImportPath, project) }

// goCommand runs the go command in the workspace at root. Without cgo, so that no C compiler is needed.
func goCommand(root string, args ...string) ([]byte, error) {
	command := exec.Command("go", args...)
	command.Dir = root
	command.Env = environment(root)
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	if err := command.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(errOut.String()))
	}
	return out.Bytes(), nil
}

func environment(root string) []string {
	return append(os.Environ(), "GOWORK="+filepath.Join(root, "go.work"), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
}

// list asks for packages; args are flags and patterns of go list.
func list(root string, args ...string) ([]pkg, error) {
	text, err := goCommand(root, append([]string{"list", "-json=ImportPath,Name,Dir,Standard,GoFiles,Imports,Module"}, args...)...)
	if err != nil {
		return nil, err
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}

// lines counts the lines of a package's Go files, tests excepted.
func (p pkg) lines() (int, error) {
	total := 0
	for _, name := range p.GoFiles {
		text, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return 0, err
		}
		total += bytes.Count(text, []byte("\n"))
	}
	return total, nil
}
