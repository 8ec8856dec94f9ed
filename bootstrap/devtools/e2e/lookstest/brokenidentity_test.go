package lookstest

import "io/fs"

// brokenIdentity are the templates of an operator who has made a mistake in the sender identity.
type brokenIdentity struct{ fs.FS }

func (l brokenIdentity) ReadFile(name string) ([]byte, error) {
	if name == "sender-identity.json" {
		return []byte("{\n  \"country\": \"Korea\",\n  \"fr\": {}\n}\n"), nil
	}
	return fs.ReadFile(l.FS, name)
}
