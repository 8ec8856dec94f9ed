package batchapp

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/balsong/balsong/application/importing/billfile"
)

func TestAFileThatIsWrittenToOrReplacedIsSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(path string) error
		says   string
	}{
		"untouched": {func(string) error { return nil }, ""},
		"grown":     {func(path string) error { return os.WriteFile(path, []byte("a,b\n1,2\n"), 0o600) }, "is being written to"},
		"shrunk":    {func(path string) error { return os.Truncate(path, 1) }, "is being written to"},
		"removed":   {os.Remove, "another file"},
		"replaced": {func(path string) error {
			if err := os.WriteFile(path+".new", []byte("a,c\n"), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, "another file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "bills.csv")
			if err := os.WriteFile(path, []byte("a,b\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			file, err := openSource(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			err = file.unchanged()
			if (err != nil) != (c.says != "") || err != nil && (!errors.Is(err, billfile.ErrChanged) || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
