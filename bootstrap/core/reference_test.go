package core_test

import (
	"bytes"
	"flag"
	"io"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/observe"
)

var update = flag.Bool("update", false, "write the reference pages anew")

func TestTheReferencePagesAreFresh(t *testing.T) {
	t.Parallel()
	for path, write := range map[string]func(io.Writer){
		"../../docs/operations/configuration.md": config.Reference,
		"../../docs/operations/answers.md":       core.AnswersReference,
		"../../docs/operations/exit-codes.md":    core.ExitReference,
		"../../docs/operations/metrics.md":       observe.MetricsReference,
	} {
		var want bytes.Buffer
		write(&want)
		if *update {
			if err := os.WriteFile(path, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is stale (%v): run `make docs`", path, err)
		}
	}
}
