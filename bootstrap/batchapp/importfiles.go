package batchapp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/balsong/balsong/application/importing"
	"github.com/balsong/balsong/bootstrap/progress"
	"github.com/balsong/balsong/domain/wording"
)

// importedFile is one of the files of an import, and what it came to.
type importedFile struct {
	importArguments
	named     importing.File
	options   importing.Options
	plain     int64 // bytes unpacked, once they are known
	summary   importing.Summary
	result    importResult
	unwritten bool // its refused rows
}

// importedFiles are the files of an import, one after the other.
type importedFiles []*importedFile

// named are the imports of the files that --file named, and of those named after the flags.
func (a *importArguments) named(ctx context.Context, afterFlags []string) (importedFiles, error) {
	paths := append(a.files, afterFlags...)
	switch {
	case len(paths) == 0:
		return nil, errors.New("--file is missing")
	case len(paths) > 1 && a.label != "":
		return nil, errors.New("--label names one file, and there are several: import them one by one, or without it")
	}
	if len(paths) > 1 && (a.expectRows > 0 || len(a.expectTotals) > 0) {
		return nil, errors.New("--expect-rows and --expect-total are of one file, and there are several: import them one by one")
	}
	if n := len(slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path != stdinName })); n > 1 {
		return nil, errors.New("the standard input (-) can be read once")
	}
	var files importedFiles
	for _, path := range paths {
		f := &importedFile{importArguments: *a}
		f.file = path
		var err error
		if f.named, f.options, err = f.read(ctx); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// run imports the files. Where one of them cannot be read at all, none is begun.
func (files importedFiles) run(ctx context.Context, b Import, stderr io.Writer) error {
	for _, f := range files {
		if f.file == stdinName { // can be read once
			continue
		}
		file, err := openBillingFile(ctx, f.file, nil)
		if err != nil {
			return err
		}
		_ = file.Close() // it was only opened to see that it can be read
	}
	for i, f := range files {
		if len(files) > 1 {
			fmt.Fprintf(stderr, "file %d of %d: %s\n", i+1, len(files), f.file)
		}
		if err := f.run(ctx, b, files, stderr); err != nil {
			return err
		}
	}
	return nil
}

func (files importedFiles) total() (t importing.Summary) {
	for _, f := range files {
		t.Rows += f.summary.Rows
		t.Inserted += f.summary.Inserted
		t.Unchanged += f.summary.Unchanged
		t.Corrected += f.summary.Corrected
		t.Conflicts += f.summary.Conflicts
		t.Rejected += f.summary.Rejected
		t.Resolved += f.summary.Resolved
		t.Remarks += f.summary.Remarks
		t.Blank += f.summary.Blank
		t.ContactsKept += f.summary.ContactsKept
		t.ContactsRemoved += f.summary.ContactsRemoved
	}
	return t
}

// answer is the document of the one file, or of all of them with one for each.
func (files importedFiles) answer() any {
	if len(files) == 1 {
		return files[0].answer()
	}
	all := importArguments{month: files[0].month, file: fmt.Sprintf("%d files", len(files))}
	document := struct {
		importDocument
		Files []importDocument `json:"files"`
	}{importDocument: all.answer(files.total())}
	document.Rejects, document.RemarksFile = "", "" // each file has its own
	for _, f := range files {
		document.Files = append(document.Files, f.answer())
	}
	return document
}

func (files importedFiles) print(w io.Writer) {
	line := func(what string, s importing.Summary) {
		resolved := ""
		if s.Resolved > 0 {
			resolved = fmt.Sprintf(", %d refused, resolved since", s.Resolved)
		}
		fmt.Fprintf(w, "%s: %s: %d new, %d known already, %d corrected, %d in conflict, %d rejected%s\n",
			what, wording.Count(s.Rows, "row", "rows"), s.Inserted, s.Unchanged, s.Corrected, s.Conflicts, s.Rejected, resolved)
	}
	if len(files) > 1 {
		for _, f := range files {
			line(f.file, f.summary)
			f.printTotals(w)
		}
	}
	line("month "+files[0].month.String(), files.total())
	if len(files) == 1 {
		files[0].printTotals(w)
	}
}

// printTotals writes what the rows come to in each currency, to be compared with the system that wrote the file.
func (f *importedFile) printTotals(w io.Writer) {
	for _, total := range f.result.totals {
		fmt.Fprintf(w, "  %s: the file has %s in %s; of them the month has %s in %s\n", total.Currency, total.Text(total.File), progress.Counted(total.File.Rows, "row", "rows"),
			total.Text(total.Month), progress.Thousands(total.Month.Rows))
	}
}
