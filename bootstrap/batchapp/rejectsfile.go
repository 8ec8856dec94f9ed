package batchapp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// lateFile creates its file when the first byte is written, so that an import without refused rows leaves none. It never
// overwrites a file: an earlier one may hold rows that are being corrected.
type lateFile struct {
	path string
	file *os.File
}

// create takes the path, or the first free one beside it: rejects.csv, rejects-2.csv, …
func (l *lateFile) create() error {
	ending := filepath.Ext(l.path)
	stem := strings.TrimSuffix(l.path, ending)
	for n := 2; ; n++ {
		file, err := os.OpenFile(l.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil || !errors.Is(err, os.ErrExist) {
			l.file = file
			return err
		}
		l.path = fmt.Sprintf("%s-%d%s", stem, n, ending)
	}
}

func (l *lateFile) Write(p []byte) (int, error) {
	if l.file == nil {
		if err := l.create(); err != nil {
			return 0, err
		}
	}
	return l.file.Write(p)
}

// Close closes the file, if there is one.
func (l *lateFile) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
