package lookstest

import "io/fs"

// letterless are the templates of an operator who has made a mistake in the letterhead.
type letterless struct{ fs.FS }

func (l letterless) ReadFile(name string) ([]byte, error) {
	if name == "letterhead.json" {
		return []byte("{\n  \"country\": \"Korea\",\n  \"fr\": {}\n}\n"), nil
	}
	return fs.ReadFile(l.FS, name)
}
