package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestLinksThatLeadNowhereAreFoundWithTheirLine(t *testing.T) {
	t.Parallel()
	root := write(t, map[string]string{
		"README.md": "# One\n\n[good](docs/a.md) [folder](docs/) [here](#one) [site](https://example.com/x)\n\n" +
			"[gone](docs/b.md)\n[no heading](docs/a.md#three)\n\n| a |\n|---|\n| [cell](nowhere) |\n\n[out](../x) [root](/docs/a.md) ![picture](no.png)\n",
		"docs/a.md": "# Two `code` & more, 한글\n\n## Two `code` & more, 한글\n\n[up](../README.md#one) [a](#two-code--more-한글) [b](#two-code--more-한글-1)\n",
	})
	pages, err := readPages(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]int{5: 1, 6: 1, 10: 1, 12: 3}
	for _, f := range checkLinks(root, pages) {
		if f.file != "README.md" || want[f.line] == 0 {
			t.Errorf("%s:%d: %s", f.file, f.line, f.says)
		}
		want[f.line]--
	}
	for line, left := range want {
		if left > 0 {
			t.Errorf("line %d: %d findings are missing", line, left)
		}
	}
}

func TestADiagramThatCannotBeReadIsFoundWithItsLine(t *testing.T) {
	t.Parallel()
	if os.Getenv("BALSONG_TEST_BROWSER") == "" {
		t.Skip("needs Chromium and npm: run through `make docs-check`")
	}
	b, err := newBrowser(t.Context())
	if err != nil {
		if verdict(0, err.Error()) != 0 {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer b.close()
	wide := "flowchart LR\n" + strings.Repeat("  a --> b --> c --> d --> e --> f --> g --> h --> i --> j --> k\n", 1)
	page := parse("a.md", []byte("# A\n\n```mermaid\nflowchart TB\n  a --> b\n```\n\n```mermaid\nflowchart TB\n  a --> b\n  a -->> > b\n```\n\n```mermaid\n"+wide+"```\n"))
	findings, err := b.check(page.blocks, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(findings) != 2 || findings[0].line != 11 || findings[1].line != 15 || !strings.Contains(findings[1].says, "phone") {
		t.Fatalf("%+v", findings)
	}
}

func TestWhatIsMissingFailsInCIAlone(t *testing.T) {
	for ci, want := range map[string]int{"": 0, "true": 1} {
		t.Setenv("CI", ci)
		if got := verdict(0, "no browser"); got != want {
			t.Errorf("CI=%q: %d, want %d", ci, got, want)
		}
	}
	if verdict(3, "") != 1 {
		t.Error("findings do not fail")
	}
}
