package bench

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/domain/key"
)

// firstMonth is where the benchmark's months begin; a baseline's is the next.
var firstMonth = key.Month(2031 * 12)

// copied are the tables that an import fills, with the columns that it writes.
var copied = []struct{ table, columns string }{
	{"customers", "user_id, customer"},
	{"billing_data", "billing_month, user_id, line, file, import_id, fingerprint, data, email, sms, push"},
	{"billing_targets", "billing_month, user_id, available_at, deadline, reachable, quiet_from, quiet_to, quiet_zone, wished_channel"},
}

// importStage imports generated bills into an empty database with the production command, and copies the rows that came of it in again.
func (b *bench) importStage(ctx context.Context) error {
	return b.repeat(ctx, Import, b.Runs, func(ctx context.Context, s *stage) ([]StageRun, error) {
		run, err := b.importGenerated(ctx, s, firstMonth)
		if err != nil {
			return nil, err
		}
		if run.BaselineSeconds, err = b.copyBaseline(ctx, s); err != nil {
			return nil, fmt.Errorf("plain COPY: %w", err)
		}
		return []StageRun{run}, nil
	}, &Stage{
		Name: Import, Label: "generated bills into an empty database, destinations and data sealed", Rows: b.Rows,
		Baseline: "COPY of the rows that the import stored, over as many connections",
		Target:   Target{Share: 0.5, PeakRSS: 200_000_000},
	})
}

// generated writes a month's bills with the production command, and returns the files.
func (b *bench) generated(ctx context.Context, s *stage, month key.Month, rows int, more ...string) (files []string, run StageRun, err error) {
	dir := b.path("bills-" + month.String())
	run, err = b.command(ctx, s, generateRole, "generate", new(struct{}),
		append([]string{"--output", "json", "--out", dir, "--rows", fmt.Sprint(rows), "--month", month.String()}, more...)...)
	if err != nil {
		return nil, run, err
	}
	run.Rows = rows
	files, err = filepath.Glob(filepath.Join(dir, "*.csv"))
	return files, run, err
}

// imported imports files with the production command, and removes them.
func (b *bench) imported(ctx context.Context, s *stage, month key.Month, rows int, files []string) (StageRun, error) {
	var said struct {
		Inserted int `json:"inserted"`
	}
	run, err := b.command(ctx, s, batchRole, "import", &said, append([]string{"import", "--output", "json", "--month", month.String()}, files...)...)
	if err == nil && said.Inserted != rows {
		err = fmt.Errorf("%d of %d rows were inserted", said.Inserted, rows)
	}
	run.Rows = rows
	return run, errors.Join(err, os.RemoveAll(filepath.Dir(files[0])))
}

// importGenerated imports generated bills of a month.
func (b *bench) importGenerated(ctx context.Context, s *stage, month key.Month) (StageRun, error) {
	files, _, err := b.generated(ctx, s, month, b.Rows)
	if err != nil {
		return StageRun{}, err
	}
	return b.imported(ctx, s, month, b.Rows, files)
}

// copyBaseline takes the stored rows out as text, empties the tables and copies the rows in again, over as many connections
// as the import has: nothing but COPY counts.
func (b *bench) copyBaseline(ctx context.Context, s *stage) (seconds float64, err error) {
	rows := map[string][]string{}
	for _, t := range copied {
		if rows[t.table], err = s.unload(ctx, t.table, t.columns); err != nil {
			return 0, err
		}
	}
	if _, err := s.db.ExecContext(ctx, "TRUNCATE customers, billing_data, billing_targets"); err != nil {
		return 0, err
	}
	connections := runtime.GOMAXPROCS(0) + 2 // as many as the import's workers
	began := time.Now()
	for _, t := range copied {
		group, within := errgroup.WithContext(ctx)
		for part := range slices.Chunk(rows[t.table], (len(rows[t.table])+connections-1)/connections) {
			group.Go(func() error { return s.load(within, t.table, t.columns, part) })
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
	}
	seconds = time.Since(began).Seconds()
	return seconds, s.expect(ctx, firstMonth, b.Rows, "IMPORTED")
}

// unload reads a table's rows in the text form of COPY, in pieces of about 64 KiB.
func (s *stage) unload(ctx context.Context, table, columns string) (pieces []string, err error) {
	var parts []string
	for column := range strings.SplitSeq(columns, ", ") {
		parts = append(parts, `coalesce(replace(`+column+`::text, '\', '\\'), '\N')`)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT concat_ws(E'\\t', "+strings.Join(parts, ", ")+") FROM "+table+" ORDER BY user_id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var text copyText
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return nil, err
		}
		text.add(line)
	}
	return text.all(), rows.Err()
}

// pieceSize is about how many bytes of rows go to the server at a time.
const pieceSize = 64 << 10

// copyText collects the lines of COPY's text form in pieces of about pieceSize. No piece is empty: COPY would read it as an empty row.
type copyText struct {
	pieces []string
	open   strings.Builder
}

func (t *copyText) add(line string) {
	t.open.WriteString(line + "\n")
	if t.open.Len() >= pieceSize {
		t.close()
	}
}

func (t *copyText) close() {
	t.pieces = append(t.pieces, t.open.String())
	t.open.Reset()
}

func (t *copyText) all() []string {
	if t.open.Len() > 0 {
		t.close()
	}
	return t.pieces
}

// load copies pieces of a table's rows in, in one transaction.
func (s *stage) load(ctx context.Context, table, columns string, pieces []string) error {
	conn, err := s.db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	err = conn.Raw(func(connection any) error {
		preparer, ok := connection.(driver.ConnPrepareContext)
		if !ok {
			return fmt.Errorf("the driver's connection is a %T", connection)
		}
		statement, err := preparer.PrepareContext(ctx, "COPY "+table+" ("+columns+") FROM STDIN")
		if err != nil {
			return err
		}
		copying, ok := statement.(interface {
			CopyData(ctx context.Context, rows string) (driver.Result, error)
		})
		if !ok {
			return fmt.Errorf("the driver copies with a %T", statement)
		}
		for _, piece := range pieces {
			if _, err := copying.CopyData(ctx, strings.TrimSuffix(piece, "\n")); err != nil {
				return errors.Join(err, statement.Close())
			}
		}
		return statement.Close()
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

// expect is an error unless as many of a month's targets are in a status: of the batch or of the dispatch.
func (s *stage) expect(ctx context.Context, month key.Month, want int, status string) error {
	n, err := s.count(ctx, month, status)
	if err == nil && n != want {
		err = fmt.Errorf("%d of %d are %s", n, want, status)
	}
	return err
}

// count counts a month's targets of a status.
func (s *stage) count(ctx context.Context, month key.Month, status string) (n int, err error) {
	err = s.db.GetContext(ctx, &n, `SELECT count(*) FROM billing_targets WHERE billing_month = $1 AND $2 IN (batch_status, dispatch_status)`,
		month.Start(time.UTC).Format(time.DateOnly), status)
	return n, err
}
