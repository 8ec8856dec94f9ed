// Package workflows checks .github/workflows: by actionlint, and by rules of this repository. `make workflows-check` also runs zizmor, which
// looks for what an attacker could use.
package workflows

import (
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

type workflow struct {
	Defaults struct {
		Run struct {
			Shell string `yaml:"shell"`
		} `yaml:"run"`
	} `yaml:"defaults"`
	Jobs map[string]job `yaml:"jobs"`
}

type job struct {
	RunsOn   string `yaml:"runs-on"`
	Uses     string `yaml:"uses"`
	Timeout  int    `yaml:"timeout-minutes"`
	Strategy struct {
		Matrix map[string][]string `yaml:"matrix"`
	} `yaml:"strategy"`
	Steps []struct {
		Uses string            `yaml:"uses"`
		With map[string]string `yaml:"with"`
	} `yaml:"steps"`
}

var (
	usesLine = regexp.MustCompile(`(?m)^.*\buses: (\S+)(.*)$`)
	pinned   = regexp.MustCompile(`^([\w-]+/[\w-]+)@([0-9a-f]{40})$`)
	stepLine = regexp.MustCompile(`(?m)^(\w[\w-]*) +\| *\d+ +\|`)
	goLine   = regexp.MustCompile(`(?m)^FROM golang:([\d.]+)-`)
)

// check returns what is wrong with the workflows below root, one sentence each.
func check(root string) (wrong []string, err error) {
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no workflows in %s: %w", root, err)
	}
	shellcheck, _ := exec.LookPath("shellcheck") // without it the scripts of steps are not looked at
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: root, Shellcheck: shellcheck})
	if err != nil {
		return nil, err
	}
	found, err := linter.LintFiles(files, nil)
	if err != nil {
		return nil, err
	}
	for _, e := range found {
		wrong = append(wrong, fmt.Sprintf("%s:%d: %s", filepath.Base(e.Filepath), e.Line, e.Message))
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		ours, err := checkFile(root, string(text))
		if err != nil {
			return nil, err
		}
		for _, sentence := range ours {
			wrong = append(wrong, filepath.Base(file)+": "+sentence)
		}
	}
	return wrong, nil
}

// checkFile: the rules of this repository.
func checkFile(root, text string) (wrong []string, err error) {
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return nil, err
	}
	for _, match := range usesLine.FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(match[1], "./") && (!pinned.MatchString(match[1]) || !regexp.MustCompile(`^ # v\d+\.\d+\.\d+$`).MatchString(match[2])) {
			wrong = append(wrong, match[1]+" is not pinned by its commit, with its version beside it")
		}
	}
	if w.Defaults.Run.Shell != "bash" {
		wrong = append(wrong, "its defaults have no shell bash: without it a step passes whose command before a pipe fails")
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "deploy/Dockerfile"))
	if err != nil {
		return nil, err
	}
	nightly, err := os.ReadFile(filepath.Join(root, ".ci/nightly"))
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		for _, sentence := range w.Jobs[name].check(string(dockerfile), string(nightly)) {
			wrong = append(wrong, name+": "+sentence)
		}
	}
	return wrong, nil
}

func (j job) check(dockerfile, nightly string) (wrong []string) {
	if j.Uses != "" {
		return nil
	}
	if strings.HasSuffix(j.RunsOn, "-latest") {
		wrong = append(wrong, "runs on "+j.RunsOn+", which is another machine one day")
	}
	if j.Timeout == 0 {
		wrong = append(wrong, "has no timeout-minutes")
	}
	for _, step := range j.Steps {
		if !strings.HasPrefix(step.Uses, "actions/setup-go@") {
			continue
		}
		version, images := step.With["go-version"], goLine.FindStringSubmatch(dockerfile)
		if images == nil {
			wrong = append(wrong, "has Go "+version+", and no line FROM golang:VERSION- of deploy/Dockerfile says which the images have")
		} else if version != images[1] {
			wrong = append(wrong, "has Go "+version+", and the images another")
		}
	}
	if steps, ok := j.Strategy.Matrix["step"]; ok {
		var listed []string
		for _, match := range stepLine.FindAllStringSubmatch(nightly, -1) {
			listed = append(listed, match[1])
		}
		if !slices.Equal(steps, listed) {
			wrong = append(wrong, fmt.Sprintf("has the steps %v, and .ci/nightly %v", steps, listed))
		}
	}
	return wrong
}
