package kubecheck

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/balsong/balsong/ci/tools/checks/programs"
)

// cluster is everything that is rendered, and what it is held against.
type cluster struct {
	root     string
	objects  []object
	asked    []request // by the guide
	programs map[string]programs.Program
	guide    string // docs/guides/kubernetes.md
	metrics  string // docs/operations/metrics.md
	codes    string // docs/operations/exit-codes.md
}

// check returns what is wrong with deploy/kubernetes below root, one sentence each.
func check(root string) (wrong []string, err error) {
	asked, _, err := ask(root, "")
	if err != nil {
		return nil, err
	}
	text, err := renderWith(root, asked)
	if err != nil {
		return nil, err
	}
	c := cluster{root: root, asked: asked}
	if c.objects, err = decode(text); err != nil {
		return nil, err
	}
	if c.programs, err = programs.Read(root); err != nil {
		return nil, err
	}
	for name, into := range map[string]*string{"docs/guides/kubernetes.md": &c.guide, "docs/operations/metrics.md": &c.metrics, "docs/operations/exit-codes.md": &c.codes} {
		page, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		*into = string(page)
	}
	for _, o := range c.objects {
		for _, sentence := range slices.Concat(c.checkPod(o), c.checkEnvironment(o), c.checkKind(o)) {
			wrong = append(wrong, fmt.Sprintf("%s %s: %s", o.Kind, o.Metadata.Name, sentence))
		}
	}
	return slices.Concat(wrong, c.checkNetwork(), c.checkRestored(), c.checkCommands()), nil
}

// find returns the object of a kind and name.
func (c cluster) find(kind, name string) (object, bool) {
	i := slices.IndexFunc(c.objects, func(o object) bool { return o.Kind == kind && o.Metadata.Name == name })
	if i < 0 {
		return object{}, false
	}
	return c.objects[i], true
}

// findings collects sentences about what does not hold.
type findings []string

func (f *findings) unless(holds bool, format string, values ...any) {
	if !holds {
		*f = append(*f, fmt.Sprintf(format, values...))
	}
}
