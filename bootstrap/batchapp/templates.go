package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
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
		return nil, fmt.Errorf("%w: the templates: %s is no directory", port.ErrInvalid, dir)
	}
	templates, err := rendering.LoadTemplates(os.DirFS(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return templates, nil
}

const templatesUsage = `The texts of bills are template files: you can change them without a build.

Usage:
  balsong templates export DIR   write the shipped ones to a directory, as a start (never over a file that is there)
  balsong templates check DIR    check a directory whole: file, line and reason of everything that is wrong
  balsong templates fields       list what a template may use

Then look at them with ` + "`balsong render --preview`" + `, send one to yourself with ` + "`balsong send-test`" + `, and use them with
` + "`balsong batch render --templates DIR`" + `, or set BALSONG_TEMPLATES. docs/operations/templates.md says more.

`

// TemplatesMain is the command "templates".
func TemplatesMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	help := func(w io.Writer) {
		fmt.Fprint(w, templatesUsage)
		core.DescribeExitCodes(w, core.ExitOK, core.ExitFailed, core.ExitUsage, core.ExitNotFound, core.ExitRefused)
	}
	verb, dir := "", ""
	if len(args) > 0 {
		verb = args[0]
	}
	if len(args) > 1 {
		dir = args[1]
	}
	var err error
	switch {
	case verb == "fields" && len(args) == 1:
		err = listFields(stdout)
	case verb == "export" && len(args) == 2:
		err = exportTemplates(dir, stdout)
	case verb == "check" && len(args) == 2:
		if _, err = OpenTemplates(dir); err == nil {
			fmt.Fprintln(stdout, dir+": every template is in order")
		}
	case verb == "help" || verb == "-h" || verb == "--help":
		help(stdout)
		return core.ExitOK
	default:
		help(stderr)
		return core.ExitUsage
	}
	if err != nil {
		fmt.Fprintln(stderr, "templates:", err)
		return core.ExitCodeOf(ctx, err)
	}
	return core.ExitOK
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
	fmt.Fprintf(out, "%s: %d files written", dir, written)
	if kept > 0 {
		fmt.Fprintf(out, ", %d were there already and stay as they are", kept)
	}
	fmt.Fprintf(out, "\nBegin with letterhead.json: who bills, how to pay, whom to ask. Then `balsong templates check %s`.\n", dir)
	return nil
}
