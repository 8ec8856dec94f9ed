package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// ErrOwn is wrapped where a directory of own files cannot be taken into an image.
var ErrOwn = errors.New("the directory of your own files cannot be taken into an image")

// own are the files of a directory by their paths, for a layer of an image. A link could lead out of the directory, and is refused.
func own(dir string) (files, error) {
	found := files{}
	if dir == "" {
		return found, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOwn, err)
	}
	defer func() { _ = root.Close() }() // it was only read
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is no file", path)
		}
		text, err := fs.ReadFile(root.FS(), path)
		found[path] = source{text: text}
		return err
	})
	if err == nil && len(found) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrOwn, dir, err)
	}
	return found, nil
}
