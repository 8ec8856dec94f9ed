package batchapp

import (
	"errors"
	"strings"
	"testing"

	"github.com/balsong/balsong/adapters/postgres"
	"github.com/balsong/balsong/application/port"
)

func TestAnImportThatWouldFillTheDatabasesDiskIsRefused(t *testing.T) {
	t.Parallel()
	const gib = int64(1) << 30
	for name, c := range map[string]struct {
		usage    postgres.DiskUsage
		csv      int64
		free     int64
		err      error
		refused  bool
		mentions string
	}{
		"enough":                      {postgres.DiskUsage{Directory: "/pg"}, gib, 6 * gib, nil, false, ""},
		"too little":                  {postgres.DiskUsage{Directory: "/pg"}, gib, 4 * gib, nil, true, "/pg has 4096 MiB free"},
		"most of it is in already":    {postgres.DiskUsage{Directory: "/pg", Used: 3 * gib}, gib, 4 * gib, nil, false, ""},
		"small, and nothing left":     {postgres.DiskUsage{Directory: "/pg"}, 1000, 1 << 20, nil, true, "needs about 64 MiB"},
		"the server does not tell":    {postgres.DiskUsage{}, gib, 0, nil, false, ""},
		"a directory of another host": {postgres.DiskUsage{Directory: "/elsewhere"}, gib, 0, errors.New("no such directory"), false, ""},
	} {
		err := checkDiskSpace(c.usage, c.csv, func(string) (int64, error) { return c.free, c.err })
		if (err != nil) != c.refused || c.refused && (!errors.Is(err, port.ErrInvalid) || !strings.Contains(err.Error(), c.mentions)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
