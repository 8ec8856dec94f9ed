package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// source is a file of a layer: a text in memory, or a program on the disk.
type source struct {
	text    []byte
	program string
}

// files are what a layer has, by their paths without the first slash.
type files map[string]source

// layer packs files so that the same files make the same bytes: in the order of their paths, all of root, readable by everybody,
// with neither the time nor the mode that the machine gave them.
func (f files) layer() (v1.Layer, error) {
	open := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { _ = writer.CloseWithError(f.write(writer)) }()
		return reader, nil
	}
	return tarball.LayerFromOpener(open,
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithCompressedCaching)
}

func (f files) write(w io.Writer) error {
	archive := tar.NewWriter(w)
	names := map[string]bool{}
	for name := range f {
		names[name] = true
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			names[dir+"/"] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if err := f.add(archive, name); err != nil {
			return fmt.Errorf("layer: %s: %w", name, err)
		}
	}
	return archive.Close()
}

func (f files) add(archive *tar.Writer, name string) error {
	header := tar.Header{Name: name, ModTime: time.Unix(0, 0).UTC()}
	if strings.HasSuffix(name, "/") {
		header.Typeflag, header.Mode = tar.TypeDir, 0o755
		return archive.WriteHeader(&header)
	}
	from := f[name]
	header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o644, int64(len(from.text))
	body := io.Reader(bytes.NewReader(from.text))
	if from.program != "" {
		file, err := os.Open(from.program)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }() // it was only read
		info, err := file.Stat()
		if err != nil {
			return err
		}
		header.Mode, header.Size, body = 0o755, info.Size(), file
	}
	if err := archive.WriteHeader(&header); err != nil {
		return err
	}
	_, err := io.Copy(archive, body)
	return err
}
