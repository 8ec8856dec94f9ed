package images

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// allowed are the licences, as SPDX ids, that a module of an image may have.
var allowed = []string{"Apache-2.0", "BSD-2-Clause", "BSD-2-Clause-Views", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}

// ErrLicense is wrapped where a module has no licence, or none that is allowed.
var ErrLicense = errors.New("licence")

// certain is how much of a licence file must be the text of a licence, in per cent; copyright lines are the rest.
const certain = 75

// project is the path of the repository; its modules begin with it. standard is what SBOMs call the standard library.
const (
	project  = "github.com/balsong/balsong"
	standard = "stdlib"
)

// license is what a module may be used under, and its texts by their paths in the module.
type license struct {
	ids     []string
	texts   map[string][]byte
	version string // of the certificates' module alone: no binary says it
}

var (
	textFile    = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense|notice|patents)([-_.].*)?$`)
	licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense)([-_.].*)?$`)
)

// licenses reads the licences of all that an image has: of each module that the command links, those that lie at its root or on
// the way down to a package that is linked, because parts of a module may have another licence.
func licenses(ctx context.Context, g goTool, command, root string) (map[string]license, error) {
	packages, err := g.packages(ctx, command)
	if err != nil {
		return nil, err
	}
	goroot, err := g.root(ctx)
	if err != nil {
		return nil, err
	}
	roots, err := g.certificates(ctx)
	if err != nil {
		return nil, err
	}
	tops := map[string]string{project: root, standard: goroot, certificateModule: roots.Dir}
	within := map[string]map[string]bool{}
	for name, top := range tops {
		within[name] = map[string]bool{top: true}
	}
	for _, p := range packages {
		if p.Standard || p.Module == nil || ours(p.Module.Path) {
			continue
		}
		name := p.Module.Path
		if within[name] == nil {
			within[name], tops[name] = map[string]bool{}, p.Module.Dir
		}
		for dir := p.Dir; len(dir) >= len(p.Module.Dir); dir = filepath.Dir(dir) {
			within[name][dir] = true
		}
	}
	found := map[string]license{}
	for name, dirs := range within {
		l, err := readLicense(tops[name], slices.Sorted(maps.Keys(dirs)))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if name == certificateModule {
			l.version = roots.Version
		}
		found[name] = l
	}
	return found, nil
}

// licenseDir is where an image has the licence of a module.
func licenseDir(module, version string) string {
	if ours(module) {
		return "licenses/" + project
	}
	return "licenses/" + module + "@" + version
}

func ours(module string) bool { return module == project || strings.HasPrefix(module, project+"/") }

// readLicense reads the licence files of directories below top.
func readLicense(top string, dirs []string) (l license, err error) {
	l.texts = map[string][]byte{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return l, err
		}
		for _, entry := range entries {
			if !textFile.MatchString(entry.Name()) || !entry.Type().IsRegular() || strings.HasSuffix(entry.Name(), ".go") {
				continue
			}
			file := filepath.Join(dir, entry.Name())
			text, err := os.ReadFile(file)
			if err != nil {
				return l, err
			}
			name, err := filepath.Rel(top, file)
			if err != nil {
				return l, err
			}
			l.texts[filepath.ToSlash(name)] = text
			if licenseFile.MatchString(entry.Name()) {
				ids, err := identify(text)
				if err != nil {
					return l, fmt.Errorf("%s: %w", filepath.ToSlash(name), err)
				}
				l.ids = append(l.ids, ids...)
			}
		}
	}
	if len(l.ids) == 0 {
		return l, fmt.Errorf("%w: there is none", ErrLicense)
	}
	slices.Sort(l.ids)
	l.ids = slices.Compact(l.ids)
	return l, nil
}

// identify says which licences a text is.
func identify(text []byte) (ids []string, err error) {
	coverage := licensecheck.Scan(text)
	for _, match := range coverage.Match {
		if !slices.Contains(allowed, match.ID) {
			return nil, fmt.Errorf("%w: %s is not allowed (allowed are %s)", ErrLicense, match.ID, strings.Join(allowed, ", "))
		}
		ids = append(ids, match.ID)
	}
	if coverage.Percent < certain {
		return nil, fmt.Errorf("%w: only %.0f%% of the text is known (%v)", ErrLicense, coverage.Percent, ids)
	}
	return ids, nil
}
