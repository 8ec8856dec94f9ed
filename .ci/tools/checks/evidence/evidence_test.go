package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// workspace writes testdata/small.txtar, with files over it, and returns its folder.
func workspace(t *testing.T, over map[string]string) string {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/small.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range archive.Files {
		files[file.Name] = string(file.Data)
	}
	maps.Copy(files, over)
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
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

func TestAJourneyCountsWhatItsEntryReaches(t *testing.T) {
	t.Parallel()
	root := workspace(t, nil)
	var out strings.Builder
	if err := printJourneys(&out, root, filepath.Join(root, "journeys.txt")); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(out.String(), "### ")
	var files []string
	for line := range strings.Lines(list) {
		if name, ok := strings.CutPrefix(line, "- "); ok {
			files = append(files, strings.TrimSpace(name))
		}
	}
	// The closure given to a third party, the port's implementation, and the callback are followed; what the adapter calls is
	// not, and neither is an implementation that the command does not link.
	want := []string{"adapters/postgres/ledger.go: 1", "application/deliver/claim.go: 2", "application/deliver/run.go: 3"}
	if !slices.Equal(files, want) {
		t.Errorf("files %q, want %q", files, want)
	}
	if !strings.Contains(out.String(), "| message | 3 | 6 | 3 | 1 |") {
		t.Error(out.String())
	}
}

func TestAJourneyWhoseEntryIsGoneIsAnError(t *testing.T) {
	t.Parallel()
	root := workspace(t, map[string]string{"journeys.txt": "message | bootstrap/cmd/dispatcher | application/deliver.Gone | adapters\n"})
	var out strings.Builder
	if err := printJourneys(&out, root, filepath.Join(root, "journeys.txt")); err == nil || !strings.Contains(err.Error(), "there is no function application/deliver.Gone") {
		t.Errorf("error %v", err)
	}
}
