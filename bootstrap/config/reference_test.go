package config_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
)

var update = flag.Bool("update", false, "write the reference anew")

func TestTheConfigurationReferenceIsFresh(t *testing.T) {
	t.Parallel()
	const path = "../../docs/operations/configuration.md"
	var want bytes.Buffer
	config.Reference(&want)
	if *update {
		if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%s is stale (%v): run `make docs`", path, err)
	}
}
