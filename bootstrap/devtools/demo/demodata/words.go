package demodata

import (
	_ "embed"
	"io/fs"

	"github.com/balsong/balsong/application/rendering"
)

//go:embed sender-identity.json
var senderIdentity []byte

// Words are the shipped templates under the sender identity of a company that does not exist.
func Words() (*rendering.Templates, error) {
	templates, err := rendering.LoadTemplates(identified{rendering.ShippedFiles()})
	if err != nil {
		return nil, err
	}
	return templates.Named("demo"), nil
}

// identified are files with that sender identity in the place of theirs.
type identified struct{ fs.FS }

// ReadFile implements fs.ReadFileFS.
func (l identified) ReadFile(name string) ([]byte, error) {
	if name == "sender-identity.json" {
		return senderIdentity, nil
	}
	return fs.ReadFile(l.FS, name)
}
