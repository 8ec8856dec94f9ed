package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// npmFile is one file of a pinned npm package. Nothing of the package is run by npm.
type npmFile struct {
	name, version, integrity string // integrity is the SHA-512 of the package, as npm writes it
	path                     string
}

var (
	mermaidScript = npmFile{
		"mermaid", "12.3.0",
		"sha512-4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmiNAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw==",
		"package/dist/mermaid.min.js",
	}
	asyncAPISchema = npmFile{
		"@asyncapi/specs", "6.11.1",
		"sha512-A3WBLqAKGoJ2+6FWFtpjBlCQ1oFCcs4GxF7zsIGvNqp/klGUHjlA3aAcZ9XMMpLGE8zPeYDz2x9FmO6DSuKraQ==",
		"package/schemas/3.0.0.json",
	}
)

// maxFile bounds a file of a package.
const maxFile = 64 << 20

// fetch returns the file: from the user's cache, or from the registry that npm is configured for.
func (f npmFile) fetch(ctx context.Context) ([]byte, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	kept := filepath.Join(cache, "balsong", "doccheck", f.version+"-"+filepath.Base(f.path))
	if content, err := os.ReadFile(kept); err == nil {
		return content, nil
	}
	folder, err := os.MkdirTemp("", "doccheck-npm")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	pack := exec.CommandContext(ctx, "npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder, f.name+"@"+f.version)
	pack.Dir = folder
	if output, err := pack.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm could not fetch %s@%s (is there a network?): %w: %s", f.name, f.version, err, oneLine(string(output)))
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("npm pack %s left %d files", f.name, len(found))
	}
	packed, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(packed)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != f.integrity {
		return nil, fmt.Errorf("%s@%s is not what is pinned: its integrity is %s", f.name, f.version, got)
	}
	content, err := f.unpack(packed)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(kept), 0o755), os.WriteFile(kept+".new", content, 0o600), os.Rename(kept+".new", kept)); err != nil {
		fmt.Fprintln(os.Stderr, "doccheck: not kept for the next time:", err)
	}
	return content, nil
}

func (f npmFile) unpack(packed []byte) ([]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	for archive := tar.NewReader(unzipped); ; {
		entry, err := archive.Next()
		if err != nil {
			return nil, fmt.Errorf("%s is not in %s@%s: %w", f.path, f.name, f.version, err)
		}
		if entry.Name == f.path {
			return io.ReadAll(io.LimitReader(archive, maxFile))
		}
	}
}
