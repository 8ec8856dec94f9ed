package command_test

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/batchapp"
	"github.com/balsong/balsong/bootstrap/devtools/cloudformation"
	"github.com/balsong/balsong/bootstrap/dispatcherapp"
	"github.com/balsong/balsong/bootstrap/operatorcmd"
)

// Commands for AWS need an account; that each program knows its subcommand and flags, and each stack its parameters, can be seen here.
func TestThePagesAboutAWSNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	for page, least := range map[string]int{"guides/first-month-on-aws.md": 15, "operations/rotation.md": 5, "operations/policy.md": 1, "operations/README.md": 3} {
		checkPage(t, page, least)
	}
}

func checkPage(t *testing.T, page string, least int) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/" + page)
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^ *deploy/aws/(run|deploy|halt)\.sh (.*)$`).FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\\n", " "), -1)
	if len(lines) < least {
		t.Fatalf("%s has only %d commands", page, len(lines))
	}
	for _, line := range lines {
		shell := exec.CommandContext(t.Context(), "bash", "-c", `printf '%s\n' `+line[2])
		shell.Env = append(os.Environ(), "USER=somebody", "bucket=balsong-1", "month=2026-11")
		split, err := shell.Output()
		if err != nil {
			t.Fatal(err)
		}
		arguments := strings.Split(strings.TrimSpace(string(split)), "\n")
		if i := slices.IndexFunc(arguments, func(a string) bool { return strings.HasPrefix(a, "#") }); i >= 0 {
			arguments = arguments[:i]
		}
		switch line[1] {
		case "deploy":
			checkParameters(t, arguments)
		case "halt":
			checkCommand(t, append([]string{"balsong", "halt"}, arguments...))
		default:
			checkCommand(t, arguments)
		}
	}
}

func checkCommand(t *testing.T, arguments []string) {
	t.Helper()
	programs := map[string]func() *cobra.Command{"batch": batchapp.NewCommand, "balsong": operatorcmd.NewCommand, "dispatcher": dispatcherapp.NewCommand}
	program, known := programs[arguments[0]]
	if !known {
		if arguments[0] != "setup" {
			t.Errorf("%q is no task", arguments[0])
		}
		return
	}
	command, rest, err := program().Find(arguments[1:])
	if err == nil {
		err = command.ParseFlags(rest)
	}
	if err == nil {
		err = errors.Join(command.ValidateArgs(command.Flags().Args()), command.ValidateRequiredFlags())
	}
	if err != nil {
		t.Errorf("%q: %v", arguments, err)
	}
}

func checkParameters(t *testing.T, arguments []string) {
	t.Helper()
	templates, err := cloudformation.Read("../../../deploy/aws")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(templates, func(template cloudformation.Template) bool { return template.File == arguments[0]+".yaml" })
	if i < 0 {
		if arguments[0] != "parameters" && arguments[0] != "keyset" {
			t.Errorf("%q is no stack", arguments[0])
		}
		return
	}
	for _, argument := range arguments[1:] {
		name, _, _ := strings.Cut(argument, "=")
		if !slices.ContainsFunc(templates[i].Parameters(), func(p cloudformation.Parameter) bool { return p.Name == name }) {
			t.Errorf("%s is no parameter of the stack %s", name, arguments[0])
		}
	}
}
