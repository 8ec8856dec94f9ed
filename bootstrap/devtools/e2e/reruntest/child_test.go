package reruntest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"go.uber.org/fx"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/application/port"
	"github.com/balsong/balsong/application/rendering"
	"github.com/balsong/balsong/bootstrap/core"
	"github.com/balsong/balsong/bootstrap/devtools/demo/demodata"
	"github.com/balsong/balsong/bootstrap/devtools/generate"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
	"github.com/balsong/balsong/bootstrap/devtools/wholebatch"
	"github.com/balsong/balsong/domain/key"
)

// workRole does one step of preparing a month, and may kill itself on the way.
var workRole = child.Register("rerun-work", work)

// order is one step.
type order struct {
	Step   string            `json:"step"` // generate, import, render
	Dir    string            `json:"dir"`  // of the files
	Config wholebatch.Config `json:"config"`
	Month  key.Month         `json:"month"`
	Kill   string            `json:"kill"`  // where it kills itself; "": nowhere
	After  int64             `json:"after"` // how often it comes by there unharmed
}

// The places where a step kills itself.
const (
	midFile    = "in the middle of a file"
	midChunk   = "in the transaction that stores a chunk"
	afterChunk = "behind the commit of a chunk, before anybody knows"
	beforePut  = "with a pack made and not put"
	afterPut   = "with a pack put and its bills not marked"
	afterMark  = "behind the commit that marks a pack's bills"
)

// at kills this process by SIGKILL when it comes by the place for the last time.
func (o *order) at(place string) {
	if o.Kill == place && atomic.AddInt64(&o.After, -1) < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
}

func work(ctx context.Context, link *child.Link) error {
	o := &order{}
	ctx, err := link.Spec(ctx, o)
	if err != nil {
		return err
	}
	if err := link.Ready(struct{}{}); err != nil {
		return err
	}
	if o.Step == "generate" {
		_, err := generate.Run(ctx, generateOptions(o.Dir, o.Month, func(generate.Progress) { o.at(midFile) }))
		return err
	}
	var failure error
	watched := fx.Decorate(
		func(imports port.Imports) port.Imports { return watchedImports{imports, o} },
		func(renders port.Renders) port.Renders { return watchedRenders{renders, o} },
	)
	core.Once(ctx, os.Stderr, fx.Options(wholebatch.Options(o.Config), watched), func(ctx context.Context, b wholebatch.Batch) error {
		if o.Step == "import" {
			failure = o.load(ctx, b)
		} else {
			packs := watchedPacks{b.Bucket, o}
			_, failure = rendering.NewRenderer(rendering.Ports{Renders: b.Renders, Sets: b.Render.Sets, Packs: packs, Cipher: b.Cipher, Clock: b.Clock, Watch: b.Watch}, rendering.Options{AllowSample: true, Workers: 3}).Render(ctx, o.Month)
		}
		return failure
	})
	return failure
}

func (o *order) load(ctx context.Context, b wholebatch.Batch) error {
	names, err := filepath.Glob(filepath.Join(o.Dir, "*.csv"))
	if err != nil || len(names) != files {
		return fmt.Errorf("%d files: %w", len(names), err)
	}
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		source, err := importing.Open(file, importing.File{Name: filepath.Base(name)})
		if err == nil {
			_, err = b.Importer.Import(ctx, source, importing.Options{
				Rules: importing.Rules{Month: o.Month, NotBefore: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), Zone: time.UTC}, Workers: 3,
			})
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
	return nil
}

func generateOptions(dir string, month key.Month, progress func(generate.Progress)) generate.Options {
	return generate.Options{
		Dir: dir, Seed: 7, Since: month, Month: month, Months: 1, Rows: rows, Files: files, Compress: generate.None,
		Sample: demodata.Telco(), Wishes: generate.Wishes{Quiet: 20, SendDay: 30}, Progress: progress,
	}
}

type watchedImports struct {
	port.Imports
	o *order
}

func (w watchedImports) Store(ctx context.Context, month key.Month, bills []port.ImportedBill, seal func([]byte, port.Purpose) ([]byte, error)) (port.ImportReport, error) {
	report, err := w.Imports.Store(ctx, month, bills, func(plain []byte, purpose port.Purpose) ([]byte, error) {
		w.o.at(midChunk)
		return seal(plain, purpose)
	})
	w.o.at(afterChunk)
	return report, err
}

type watchedRenders struct {
	port.Renders
	o *order
}

func (w watchedRenders) Mark(ctx context.Context, bills []port.RenderedBill, set int16, at time.Time) (int, error) {
	n, err := w.Renders.Mark(ctx, bills, set, at)
	w.o.at(afterMark)
	return n, err
}

type watchedPacks struct {
	port.Packs
	o *order
}

func (w watchedPacks) Put(ctx context.Context, name string, entries [][]byte) ([]port.StatementRef, error) {
	w.o.at(beforePut)
	refs, err := w.Packs.Put(ctx, name, entries)
	w.o.at(afterPut)
	return refs, err
}
