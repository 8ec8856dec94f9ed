package images

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// sbomFile is where an image has its SBOM.
const sbomFile = "sbom.cdx.json"

// Labels of the image specification.
const (
	labelVersion = "org.opencontainers.image.version"
	labelCreated = "org.opencontainers.image.created"
)

// assembly is what an image of one platform is made of.
type assembly struct {
	name   string
	root   string // of the repository
	binary string // file
	own    files
}

// assemble makes the image of a binary: the certificates, which all images share, then what changes with the modules, then the
// binary itself.
func assemble(ctx context.Context, g goTool, a assembly) (Part, error) {
	contents, err := g.recipe.Image(a.name)
	if err != nil {
		return Part{}, err
	}
	roots, err := certificates()
	if err != nil {
		return Part{}, err
	}
	documents, err := a.documents(ctx, g, contents.Config.Labels)
	if err != nil {
		return Part{}, err
	}
	created, err := time.Parse(time.RFC3339, contents.Config.Labels[labelCreated])
	if err != nil {
		return Part{}, fmt.Errorf("label %s: %w", labelCreated, err)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.ConfigFile(image, &v1.ConfigFile{
		OS: g.platform.OS, Architecture: g.platform.Architecture, Created: v1.Time{Time: created}, Config: contents.Config,
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return Part{}, err
	}
	seen := map[string]bool{}
	for _, content := range []struct {
		what  string
		files files
	}{
		{"root certificates", files{inImage(contents.Certificates): {text: roots}}},
		{"licences and SBOM", documents},
		{"the command " + a.name, files{inImage(contents.Binary): {program: a.binary}}},
		{"own files", a.own},
	} {
		if len(content.files) == 0 {
			continue
		}
		for name := range content.files {
			if seen[name] {
				return Part{}, fmt.Errorf("%w: the image has a file %s already", ErrOwn, name)
			}
			seen[name] = true
		}
		layer, err := content.files.layer()
		if err != nil {
			return Part{}, err
		}
		history := v1.History{Created: v1.Time{Time: created}, CreatedBy: "balsong-dev images", Comment: content.what}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history}); err != nil {
			return Part{}, err
		}
	}
	return Part{Platform: g.platform, Image: mutate.Annotations(image, contents.Config.Labels).(v1.Image)}, nil
}

func inImage(path string) string { return strings.TrimPrefix(path, "/") }

// documents are the licences and the SBOM of the binary, complete or an error.
func (a assembly) documents(ctx context.Context, g goTool, labels map[string]string) (files, error) {
	info, err := buildinfo.ReadFile(a.binary)
	if err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(a.binary)
	if err != nil {
		return nil, err
	}
	found, err := licenses(ctx, g, a.name, a.root)
	if err != nil {
		return nil, err
	}
	sbom, err := product{name: a.name, labels: labels, info: info, binary: binary}.sbom(found)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{standard: goVersion(info), certificateModule: found[certificateModule].version}
	for _, m := range info.Deps {
		versions[m.Path] = m.Version
	}
	documents := files{sbomFile: {text: sbom}}
	for module, l := range found {
		for name, text := range l.texts {
			documents[licenseDir(module, versions[module])+"/"+name] = source{text: text}
		}
	}
	return documents, checkDocuments(sbom, slices.Collect(maps.Keys(documents)), info)
}

// index makes the index that names the image of each platform, with the labels that they have in common.
func (i *Image) index() error {
	i.Index = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, part := range i.Parts {
		platform := part.Platform
		i.Index = mutate.AppendManifests(i.Index, mutate.IndexAddendum{Add: part.Image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	if len(i.Parts) == 0 {
		return nil
	}
	config, err := i.Parts[0].Image.ConfigFile()
	if err != nil {
		return err
	}
	i.Index = mutate.Annotations(i.Index, config.Config.Labels).(v1.ImageIndex)
	return nil
}
