package batchapp

import (
	"bytes"
	"testing"

	"github.com/balsong/balsong/application/rendering"
)

func TestARenderNamesTheFirstBillOfWhichGmailHidesAPart(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	r := &renderReport{}
	r.remarks(&out, 2026*12+10, rendering.Summary{Rendered: 3})
	if out.Len() != 0 {
		t.Errorf("said for nothing: %s", out.String())
	}
	r.Oversized("C-7", 120_001)
	r.Oversized("C-9", 130_000)
	r.remarks(&out, 2026*12+10, rendering.Summary{Rendered: 3, Oversized: 2})
	const want = "warning: bills with more than 100 kB of HTML: 2, the first one of customer C-7 (121 kB): Gmail cuts a mail after 102 kB, and hides what follows (how to pay belongs above the items)\n"
	if out.String() != want {
		t.Errorf("%s", out.String())
	}
}
