package bench

import (
	"bufio"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/generate"
	"github.com/balsong/balsong/domain/key"
)

// copied are the tables that an import fills, with the columns that it writes.
var copied = []struct{ table, columns string }{
	{"customers", "user_id, customer"},
	{"billing_data", "billing_month, user_id, line, file, import_id, fingerprint, data, email, sms, push"},
	{"billing_targets", "billing_month, user_id, available_at, deadline, reachable, quiet_from, quiet_to, quiet_zone, wished_channel"},
}

// importStage imports generated bills into an empty database with the production command, and copies the rows that came of it in again.
func (b *bench) importStage(ctx context.Context) error {
	measured := &Stage{
		Name: "import", Label: "generated bills into an empty database, destinations and data sealed", Rows: b.Rows,
		Baseline: "COPY of the rows that the import stored, over as many connections",
		Target:   Target{Share: 0.5, PeakRSS: 200_000_000},
	}
	b.report.Stages = append(b.report.Stages, measured)
	path, clean, err := b.bills(ctx, firstMonth)
	if err != nil {
		return err
	}
	for n := range b.Runs {
		err := b.open(ctx, "import", func(ctx context.Context, s *stage) error {
			run, err := b.importOnce(ctx, s, firstMonth, path)
			if err != nil {
				return err
			}
			if run.BaselineSeconds, err = b.copyBaseline(ctx, s, firstMonth); err != nil {
				return fmt.Errorf("plain COPY: %w", err)
			}
			measured.Runs = append(measured.Runs, run)
			return nil
		})
		if err != nil {
			return err
		}
		b.told(measured, n)
	}
	measured.summarize()
	return clean()
}

// bills generates a month's bills; clean removes the file.
func (b *bench) bills(ctx context.Context, month key.Month) (path string, clean func() error, err error) {
	dir := b.path("bills-" + month.String())
	_, err = generate.Run(ctx, generate.Options{
		Dir: dir, Seed: 1, Since: month, Month: month, Months: 1, Rows: b.Rows, Files: 1, Compress: generate.None, Sample: demodata.Telco(),
		Wishes: generate.Wishes{Quiet: 20, SendDay: 30},
	})
	return filepath.Join(dir, "bills-"+month.String()+"-001.csv"), func() error { return os.RemoveAll(dir) }, err
}

// importOnce imports a file with the production command.
func (b *bench) importOnce(ctx context.Context, s *stage, month key.Month, path string) (StageRun, error) {
	answer, run, err := b.batch(ctx, s, "import", "--month", month.String(), path)
	if err != nil {
		return run, err
	}
	var said struct {
		Inserted int `json:"inserted"`
	}
	err = json.Unmarshal(answer, &said)
	if err == nil && said.Inserted != b.Rows {
		err = fmt.Errorf("%d of %d rows were inserted", said.Inserted, b.Rows)
	}
	run.Rows = b.Rows
	return run, err
}

// copyBaseline takes the stored rows out as text, empties the tables and copies the rows in again, over as many connections
// as the import has: nothing but COPY counts.
func (b *bench) copyBaseline(ctx context.Context, s *stage, month key.Month) (seconds float64, err error) {
	for _, t := range copied {
		if err := s.unload(ctx, t.table, t.columns, b.path(t.table+".copy")); err != nil {
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
		for n := range connections {
			group.Go(func() error { return s.load(within, t.table, t.columns, b.path(t.table+".copy"), n, connections) })
		}
		if err := group.Wait(); err != nil {
			return 0, err
		}
	}
	seconds = time.Since(began).Seconds()
	if n, err := s.count(ctx, month, ""); err != nil || n != b.Rows {
		return 0, fmt.Errorf("%d of %d rows are there again: %w", n, b.Rows, err)
	}
	return seconds, nil
}

// unload writes a table's rows in the text form of COPY.
func (s *stage) unload(ctx context.Context, table, columns, path string) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	var parts []string
	for column := range strings.SplitSeq(columns, ", ") {
		parts = append(parts, `coalesce(replace(`+column+`::text, '\', '\\'), '\N')`)
	}
	rows, err := s.db.QueryContext(ctx, "SELECT concat_ws(E'\\t', "+strings.Join(parts, ", ")+") FROM "+table+" ORDER BY user_id")
	if err != nil {
		return err
	}
	defer rows.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if _, err := out.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), out.Flush())
}

// load copies the n-th part of a file's lines in, in one transaction.
func (s *stage) load(ctx context.Context, table, columns, path string, n, of int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	from, to := info.Size()*int64(n)/int64(of), info.Size()*int64(n+1)/int64(of)
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
		err = eachPiece(file, from, to, func(lines string) error {
			_, err := copying.CopyData(ctx, lines)
			return err
		})
		return errors.Join(err, statement.Close())
	})
	if err != nil {
		return err
	}
	return tx.Commit()
}

// eachPiece hands out the lines that begin between two places of a file, some at a time, without the last line break.
func eachPiece(file io.ReadSeeker, from, to int64, do func(lines string) error) error {
	if _, err := file.Seek(max(from-1, 0), io.SeekStart); err != nil {
		return err
	}
	in := bufio.NewReaderSize(file, 256<<10)
	at := from
	if from > 0 { // the line that began before belongs to the part before
		skipped, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		at += int64(len(skipped)) - 1
	}
	var piece strings.Builder
	for at < to {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		at += int64(len(line))
		piece.WriteString(line)
		if piece.Len() >= 64<<10 || at >= to {
			if err := do(strings.TrimSuffix(piece.String(), "\n")); err != nil {
				return err
			}
			piece.Reset()
		}
	}
	return nil
}
