package generate

import (
	"errors"
	"os"
	"testing"

	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/domain/key"
)

func TestWithoutRoomNothingIsBegun(t *testing.T) {
	t.Parallel()
	o := Options{
		Dir: t.TempDir(), Since: key.Month(24312), Month: key.Month(24312), Months: 1, Rows: 1_000_000, Files: 1, Compress: None, Sample: demodata.Telco(),
	}
	w, err := newWorld(o, o.Sample)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMaker(w, o.Compress)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{Options: o, makers: []*maker{m}, free: func(string) (int64, error) { return 300 << 20, nil }}
	if err := r.all(t.Context()); !errors.Is(err, ErrSpace) {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(o.Dir); err != nil || len(entries) > 0 {
		t.Fatal(entries, err)
	}
	r.free = func(string) (int64, error) { return 500 << 20, nil }
	if err := r.checkSpace(o.parts()); err != nil {
		t.Fatal(err)
	}
}
