package architecture_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/architecture"
)

var update = flag.Bool("update", false, "write the pages anew")

func TestTheStateMachinesPageIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../docs/architecture/states.md"
	var want bytes.Buffer
	architecture.States(&want)
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%s is stale (%v): run `go test ./architecture -update` in bootstrap", path, err)
	}
}
