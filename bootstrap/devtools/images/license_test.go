package images

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

const (
	isc = `Copyright (c) 2026, Kim <kim@example.com>

Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above
copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR
IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
`
	beerware = `"THE BEER-WARE LICENSE" (Revision 42): <phk@FreeBSD.ORG> wrote this file. As long as you retain this notice you can do whatever you
want with this stuff. If we meet some day, and you think this stuff is worth it, you can buy me a beer in return Poul-Henning Kamp
`
	unknown = "You may run this program on Mondays, and only where somebody watches it, unless it rains; then nobody may run it at all.\n"
)

// tree writes files below a directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAModuleHasTheLicencesOfItsRootAndOfWhatIsLinked(t *testing.T) {
	t.Parallel()
	root := tree(t, map[string]string{"LICENSE": isc, "NOTICE.txt": "by Kim", "license.go": "package p", "linked/COPYING.md": isc, "other/LICENSE": beerware})
	l, err := readLicense(root, []string{root, filepath.Join(root, "linked")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range l.texts {
		names = append(names, name)
	}
	slices.Sort(names)
	if !slices.Equal(l.ids, []string{"ISC"}) || !slices.Equal(names, []string{"LICENSE", "NOTICE.txt", "linked/COPYING.md"}) {
		t.Errorf("found %v in %v", l.ids, names)
	}
}

func TestALicenceThatIsNotAllowedOrNotKnownOrNotThereIsRefused(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"LICENSE: licence: Beerware is not allowed": {"LICENSE": beerware},
		"linked/LICENSE: licence: Beerware":         {"LICENSE": isc, "linked/LICENSE": beerware},
		"is known":                                  {"LICENSE": unknown},
		"there is none":                             {"NOTICE": "by Kim", "linked/code.go": "package linked"},
	} {
		root := tree(t, files)
		dirs := []string{root}
		if _, err := os.Stat(filepath.Join(root, "linked")); err == nil {
			dirs = append(dirs, filepath.Join(root, "linked"))
		}
		if _, err := readLicense(root, dirs); !errors.Is(err, ErrLicense) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// info is what a binary with one module of third parties says of itself.
func info() *debug.BuildInfo {
	return &debug.BuildInfo{
		GoVersion: "go1.26.8", Path: project + "/bootstrap/cmd/delivery", Main: debug.Module{Path: project + "/bootstrap"},
		Deps: []*debug.Module{{Path: "example.com/queue/v2", Version: "v2.0.1+incompatible"}, {Path: project + "/domain"}},
	}
}

func TestAnSBOMOrLicencesThatLackAModuleOfTheBinaryAreRefused(t *testing.T) {
	t.Parallel()
	l := license{ids: []string{"ISC"}, texts: map[string][]byte{"LICENSE": []byte(isc)}}
	licenses := map[string]license{project: l, standard: l, "example.com/queue/v2": l, certificateModule: {ids: l.ids, version: "v0.1.0"}}
	labels := map[string]string{labelVersion: "1.2.0", labelCreated: "2026-11-30T00:00:00Z"}
	sbom, err := product{name: "delivery", labels: labels, info: info(), binary: []byte("binary")}.sbom(licenses)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"licenses/" + project + "/LICENSE", "licenses/stdlib@1.26.8/LICENSE", "licenses/example.com/queue/v2@v2.0.1+incompatible/LICENSE"}
	if err := checkDocuments(sbom, files, info()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"pkg:golang/example.com/queue/v2@v2.0.1%2Bincompatible", "pkg:golang/stdlib@1.26.8", certificateModule + "@v0.1.0"} {
		if !strings.Contains(string(sbom), want) {
			t.Errorf("the SBOM does not name %s:\n%s", want, sbom)
		}
	}
	for i := range files {
		if err := checkDocuments(sbom, slices.Delete(slices.Clone(files), i, i+1), info()); !errors.Is(err, ErrIncomplete) {
			t.Errorf("without %s: %v", files[i], err)
		}
	}
	more := info()
	more.Deps = append(more.Deps, &debug.Module{Path: "example.com/new", Version: "v1.0.0"})
	if err := checkDocuments(sbom, append(files, "licenses/example.com/new@v1.0.0/LICENSE"), more); !errors.Is(err, ErrIncomplete) {
		t.Errorf("with a module that the SBOM does not have: %v", err)
	}
	newer := info()
	newer.Deps[0].Version = "v2.0.2"
	if err := checkDocuments(sbom, append(files, "licenses/example.com/queue/v2@v2.0.2/LICENSE"), newer); !errors.Is(err, ErrIncomplete) {
		t.Errorf("with another version of a module: %v", err)
	}
}
