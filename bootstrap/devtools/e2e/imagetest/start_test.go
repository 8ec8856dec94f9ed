package imagetest_test

import (
	"os"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strings"
	"testing"

	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/images"
)

const (
	repository   = "../../../.."
	architecture = goruntime.GOARCH
)

func TestEachImageSaysHowItIsUsedAndWhichVersionItIs(t *testing.T) {
	t.Parallel()
	for _, command := range images.Commands {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			if said := run(t, core.ExitOK, command, options{}, "--help"); !strings.Contains(said, "Usage:") {
				t.Errorf("--help says\n%s", said)
			}
			if said := run(t, core.ExitOK, command, options{}, "--version"); !strings.Contains(said, goruntime.Version()) {
				t.Errorf("--version says\n%s", said)
			}
		})
	}
}

func TestAnImageThatIsNotConfiguredNamesTheVariableAndEndsWithTwo(t *testing.T) {
	t.Parallel()
	for command, arguments := range map[string][]string{"batch": {"migrate"}, "dispatcher": {}, "delivery": {"--role", "settlement"}, "balsong": {"status"}} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			if said := run(t, core.ExitUsage, command, options{}, arguments...); !strings.Contains(said, "DATABASE_URL") {
				t.Errorf("it does not name the variable:\n%s", said)
			}
		})
	}
}

func TestAnImageHoldsOneProgramAndItsDocuments(t *testing.T) {
	t.Parallel()
	runtime(t)
	for _, command := range images.Commands {
		entries, err := os.ReadDir(filepath.Join(unpacked(t), command, "rootfs"))
		must(t, err)
		var names []string
		for _, entry := range entries {
			if !slices.Contains([]string{"dev", "proc", "in"}, entry.Name()) { // runc makes what it mounts on
				names = append(names, entry.Name())
			}
		}
		if want := []string{command, "etc", "licenses", "sbom.cdx.json"}; !slices.Equal(names, want) {
			t.Errorf("the image of %s has %v, want %v", command, names, want)
		}
	}
}
