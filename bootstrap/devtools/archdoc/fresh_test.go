package archdoc_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/balsong/balsong/adapters/postgres/postgrestest"
	"github.com/balsong/balsong/bootstrap/devtools/archdoc"
)

const root = "../../.."

var update = flag.Bool("update", false, "write the pages anew")

var opened = sync.OnceValues(func() (archdoc.Sources, error) { return archdoc.Open(root, nil) })

func sources(t *testing.T) archdoc.Sources {
	t.Helper()
	s, err := opened()
	if err != nil {
		t.Fatal(err)
	}
	s.Database = postgrestest.Open(t)
	return s
}

func TestEveryGeneratedPageIsFresh(t *testing.T) {
	t.Parallel()
	s := sources(t)
	for _, page := range archdoc.Pages() {
		want, err := page.Text(s)
		if err != nil {
			t.Error(err)
			continue
		}
		path := filepath.Join(root, page.Path)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is stale (%v): run `make docs`", page.Path, err)
		}
	}
}
