package bench

import (
	"bufio"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/balsong/balsong/application/prepare"
	"github.com/balsong/balsong/bootstrap/local/demodata"
	"github.com/balsong/balsong/bootstrap/local/generate"
	"github.com/balsong/balsong/domain/key"
)

// importShare is the least share of a raw COPY that the import has to reach, encryption included.
const importShare = 0.5

// ImportFloor is what the import was measured at, beside a raw COPY of the very rows that it stored.
type ImportFloor struct {
	Rows        int         `json:"rows"`
	Connections int         `json:"connections"` // of the import and of the raw COPY
	Runs        []ImportRun `json:"runs"`
	Share       float64     `json:"share_of_raw_limit"` // median
}

// ImportRun is one import, and the raw COPY after it.
type ImportRun struct {
	Seconds     float64 `json:"seconds"`
	RawSeconds  float64 `json:"raw_seconds"`
	OwnCPU      float64 `json:"own_cpu_seconds"`      // of the importing process
	PostgresCPU float64 `json:"postgres_cpu_seconds"` // while importing
}

// copied are the tables that an import fills, with the columns that it writes.
var copied = []struct{ table, columns string }{
	{"customers", "user_id, customer"},
	{"billing_data", "billing_month, user_id, line, file, import_id, fingerprint, data, email, sms, push"},
	{"billing_targets", "billing_month, user_id, available_at, deadline, reachable, quiet_from, quiet_to, quiet_zone, wished_channel"},
}

// importFloor imports generated bills into an empty database, and copies the rows that came of it in again.
func (b *bench) importFloor(ctx context.Context) error {
	month := firstMonth
	dir := b.path("bills")
	_, err := generate.Run(ctx, generate.Options{
		Dir: dir, Seed: 1, Since: month, Month: month, Months: 1, Rows: b.Rows, Files: 1, Compress: generate.None, Sample: demodata.Telco(),
		Wishes: generate.Wishes{Quiet: 20, SendDay: 30},
	})
	if err != nil {
		return err
	}
	floor := &ImportFloor{Rows: b.Rows, Connections: runtime.GOMAXPROCS(0) + 2}
	b.report.Import = floor
	var shares []float64
	for n := range b.Runs {
		err := b.open(ctx, "import", func(ctx context.Context, s *stage) (err error) {
			run, err := b.importOnce(ctx, s, month, filepath.Join(dir, "bills-"+month.String()+"-001.csv"))
			if err != nil {
				return err
			}
			if run.RawSeconds, err = b.copyRaw(ctx, s, month); err != nil {
				return fmt.Errorf("raw COPY: %w", err)
			}
			floor.Runs, shares = append(floor.Runs, run), append(shares, run.RawSeconds/run.Seconds)
			return nil
		})
		if err != nil {
			return err
		}
		run := floor.Runs[n]
		b.say("import %d of %d: %d rows in %.2f s, %.0f rows/s; raw COPY %.2f s, so %.0f%% of it", n+1, b.Runs, b.Rows, run.Seconds, float64(b.Rows)/run.Seconds,
			run.RawSeconds, 100*run.RawSeconds/run.Seconds)
	}
	floor.Share = median(shares)
	return nil
}

// importOnce imports with the production importer, in this process.
func (b *bench) importOnce(ctx context.Context, s *stage, month key.Month, path string) (ImportRun, error) {
	file, err := os.Open(path)
	if err != nil {
		return ImportRun{}, err
	}
	defer func() { _ = file.Close() }() // it was only read
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		return ImportRun{}, err
	}
	before, began := usages(), time.Now()
	summary, err := s.importer.ImportFile(ctx, file, prepare.ImportOptions{
		Month: month, NotBefore: time.Now(), Zone: zone, File: filepath.Base(path), By: by, Workers: runtime.GOMAXPROCS(0) + 2,
	})
	seconds, after := time.Since(began).Seconds(), usages()
	if err == nil && summary.Inserted != b.Rows {
		err = fmt.Errorf("%d of %d rows were inserted", summary.Inserted, b.Rows)
	}
	return ImportRun{
		Seconds: seconds, OwnCPU: after["bench"].CPU() - before["bench"].CPU(), PostgresCPU: after["postgres"].CPU() - before["postgres"].CPU(),
	}, err
}

// copyRaw takes the stored rows out as text, empties the tables and copies the rows in again, over as many connections
// as the import has: nothing but COPY counts.
func (b *bench) copyRaw(ctx context.Context, s *stage, month key.Month) (seconds float64, err error) {
	for _, t := range copied {
		if err := s.unload(ctx, t.table, t.columns, b.path(t.table+".copy")); err != nil {
			return 0, err
		}
	}
	if _, err := s.db.ExecContext(ctx, "TRUNCATE customers, billing_data, billing_targets"); err != nil {
		return 0, err
	}
	connections := b.report.Import.Connections
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

func (f *ImportFloor) print(out io.Writer) {
	fmt.Fprintf(out, "\nImport of %d rows, beside a raw COPY of the same rows over as many connections (%d)\n", f.Rows, f.Connections)
	rows := [][]any{{"", "s", "rows/s", "raw COPY s", "of it", "CPU s: import", "postgres"}}
	for i, r := range f.Runs {
		rows = append(rows, []any{
			fmt.Sprintf("run %d", i+1), r.Seconds, float64(f.Rows) / r.Seconds, r.RawSeconds, fmt.Sprintf("%.0f%%", 100*r.RawSeconds/r.Seconds), r.OwnCPU, r.PostgresCPU,
		})
	}
	table(out, rows...)
}
