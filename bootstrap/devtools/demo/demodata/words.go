package demodata

import (
	_ "embed"
	"io/fs"

	"github.com/balsong/balsong/application/rendering"
)

//go:embed letterhead.json
var letterhead []byte

// Words are the shipped templates under the letterhead of a company that does not exist.
func Words() (*rendering.Templates, error) {
	return rendering.LoadTemplates(letterheaded{rendering.ShippedFiles()})
}

// letterheaded are files with that letterhead in the place of theirs.
type letterheaded struct{ fs.FS }

// ReadFile implements fs.ReadFileFS.
func (l letterheaded) ReadFile(name string) ([]byte, error) {
	if name == "letterhead.json" {
		return letterhead, nil
	}
	return fs.ReadFile(l.FS, name)
}
