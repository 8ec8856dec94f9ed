package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/ci/tools/checks/samples"
)

// workspace writes testdata/small.txtar, with files over it, and returns its folder.
func workspace(t *testing.T, over map[string]string) string {
	t.Helper()
	files := samples.Files(t, "testdata/small.txtar")
	maps.Copy(files, over)
	return samples.Write(t, files)
}

// findings runs the check on a workspace whose page is up to date until over is laid upon it.
func findings(t *testing.T, over map[string]string) string {
	t.Helper()
	var out strings.Builder
	root := workspace(t, nil)
	if n, err := checkBinaries(&out, root, true); err != nil || n != 0 {
		t.Fatalf("the small workspace has %d findings (%v):\n%s", n, err, out.String())
	}
	page, err := os.ReadFile(filepath.Join(root, binariesPage))
	if err != nil {
		t.Fatal(err)
	}
	over[binariesPage] = string(page)
	out.Reset()
	n, err := checkBinaries(&out, workspace(t, over), false)
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Error("nothing was found")
	}
	return out.String()
}

func TestAServiceMayNotLinkAnEmbeddedServer(t *testing.T) {
	t.Parallel()
	// No import of ours breaks a rule by itself: the server comes through a third party.
	found := findings(t, map[string]string{
		"third/sync/errgroup/errgroup.go": "package errgroup\n\nimport _ \"github.com/twmb/franz-go/pkg/kfake\"\n\nfunc Go(func()) {}\n",
	})
	const want = "dispatcher: no embedded server, but it links bootstrap/cmd/dispatcher → application/deliver → golang.org/x/sync/errgroup → github.com/twmb/franz-go/pkg/kfake"
	for _, want := range []string{want, "dispatcher links github.com/twmb/franz-go/pkg/kfake, which docs/architecture/binaries.md does not list"} {
		if !strings.Contains(found, want) {
			t.Errorf("want %q in\n%s", want, found)
		}
	}
	if strings.Contains(found, "balsong-dev: no embedded server") {
		t.Errorf("balsong-dev may link it:\n%s", found)
	}
}

func TestAServiceMayNotLinkTheImporterOrATemplatePackage(t *testing.T) {
	t.Parallel()
	found := findings(t, map[string]string{
		"application/importing/importing.go": "package importing\n",
		"application/port/port.go":           "package port\n\nimport (\n\t_ \"html/template\"\n\n\t_ \"github.com/balsong/balsong/application/importing\"\n)\n\ntype Ledger interface{ Claim() }\n",
	})
	for _, want := range []string{
		"dispatcher: no CSV importer and no template compiler, but it links bootstrap/cmd/dispatcher → application/deliver → application/port → application/importing",
		"application/port → html/template",
		"MB, and docs/architecture/binaries.md says",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("want %q in\n%s", want, found)
		}
	}
}
