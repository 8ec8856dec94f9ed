package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/balsong/balsong/application/importing/mapping"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/domain/wording"
)

// OpenTemplates reads the templates of a directory and checks them whole; without one, those that BALSONG_TEMPLATES
// names, else the shipped ones.
func OpenTemplates(dir string) (*rendering.Templates, error) {
	if dir == "" {
		words, err := config.Load[config.Words](context.Background())
		if err != nil {
			return nil, err
		}
		if dir = words.Templates; dir == "" {
			return rendering.ShippedTemplates(), nil
		}
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the templates: %w (`balsong templates export %s` writes the shipped ones there)", err, dir)
	case !info.IsDir():
		return nil, fmt.Errorf("%w: the templates: %s is not a directory", port.ErrInvalid, dir)
	}
	templates, err := rendering.LoadTemplates(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if whole, err := filepath.Abs(dir); err == nil { // a name, also for "."
		dir = whole
	}
	return templates.Named(filepath.Base(dir)), nil
}

const templatesHelp = `The texts of bills are template files: you can change them without a build.

Look at them with ` + "`balsong render --preview`" + `, send one to yourself with ` + "`balsong send-test`" + `, and use them with
` + "`batch render --templates DIR`" + `, or set BALSONG_TEMPLATES. docs/operations/templates.md says more.`

// NewTemplatesCommand returns the command templates.
func NewTemplatesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "templates", Short: "Export the texts of bills, check yours, list their fields and what months keep", Long: templatesHelp}
	mappingPath := ""
	check := &cobra.Command{
		Use: "check DIR", Short: "Check a directory of templates: file, line and reason of every error", Args: oneDirectory,
		RunE: func(cmd *cobra.Command, args []string) error {
			templates, err := OpenTemplates(args[0])
			if err != nil {
				return err
			}
			if err := checkFields(cmd.Context(), templates, mappingPath); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			oversized, err := templates.Oversized()
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			for _, size := range oversized {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", size)
			}
			for _, doubt := range templates.Doubts() {
				fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", doubt)
			}
			fmt.Fprintln(cmd.OutOrStdout(), args[0]+": every template is valid")
			if shown := fieldsOf(templates); shown != "" && mappingPath == "" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: they show %s of the billing data: --mapping FILE looks whether a mapping makes them\n", args[0], shown)
			}
			if sender, language := templates.SampleSender(); sender != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "%s: the sender %q is the sample's (%s.sender): `batch render` refuses it until sender-identity.json says who bills in each language\n", args[0], sender, language)
			}
			return nil
		},
	}
	cli.FileFlag(check.Flags(), &mappingPath, "mapping", "`file` or s3://bucket/key of the mapping with which bills are imported: every .Fields.NAME must be one of its fields")
	fields := &cobra.Command{
		Use: "fields", Short: "List the fields that a template may use", Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return listFields(cmd.OutOrStdout()) },
	}
	for _, sub := range []*cobra.Command{check, fields} {
		cli.Describe(sub, cli.ExitCodes(core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitRefused))
		cmd.AddCommand(sub)
	}
	cmd.AddCommand(newTemplatesExport(), newTemplatesList())
	return cmd
}

// checkFields compares the fields of the billing data that templates show with those that a mapping makes.
func checkFields(ctx context.Context, templates *rendering.Templates, path string) error {
	if path == "" {
		return nil
	}
	m, err := readMapping(ctx, path, mapping.Answers{})
	if err != nil {
		return err
	}
	made := m.Fields()
	failed := &rendering.TemplateError{}
	for _, use := range templates.FieldUses() {
		if !slices.Contains(made, use.Name) {
			there := "there are none"
			if len(made) > 0 {
				there = "there are ." + strings.Join(made, ", .")
			}
			failed.Problems = append(failed.Problems, rendering.Problem{File: use.File, Line: use.Line, Reason: fmt.Sprintf("the mapping makes no field .Fields.%s (%s)", use.Name, there)})
		}
	}
	if len(failed.Problems) > 0 {
		return failed
	}
	return nil
}

// fieldsOf names the fields of the billing data that templates show, each once: ".Fields.kwh (ko/sms.tmpl:2)".
func fieldsOf(templates *rendering.Templates) string {
	var said []string
	seen := map[string]bool{}
	for _, use := range templates.FieldUses() {
		if !seen[use.Name] {
			seen[use.Name] = true
			said = append(said, fmt.Sprintf(".Fields.%s (%s:%d)", use.Name, use.File, use.Line))
		}
	}
	return strings.Join(said, ", ")
}

func oneDirectory(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("%d arguments instead of one: a directory", len(args))
	}
	return nil
}

func listFields(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, field := range rendering.Fields() {
		fmt.Fprintf(table, "%s\t%s\t%s\n", field.Name, field.Type, field.Meaning)
	}
	return table.Flush()
}

// exportTemplates writes the shipped templates to a directory. What is there already is left as it is.
func exportTemplates(dir string, out io.Writer) error {
	shipped := rendering.ShippedFiles()
	written, kept := 0, 0
	err := fs.WalkDir(shipped, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if entry.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := fs.ReadFile(shipped, name)
		if err != nil {
			return err
		}
		file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if errors.Is(err, fs.ErrExist) {
			kept++
			return nil
		}
		if err != nil {
			return err
		}
		written++
		_, err = file.Write(content)
		return errors.Join(err, file.Close())
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: %s written", dir, wording.Count(written, "file", "files"))
	if kept > 0 {
		fmt.Fprintf(out, ", %d were there already and stay as they are", kept)
	}
	fmt.Fprintf(out, "\nBegin with sender-identity.json: who bills, how to pay, whom to ask. Then `balsong templates check %s`.\n", dir)
	return nil
}
