// Package images builds the OCI images of the commands without a container engine: the same bytes on every machine that has the
// same sources and the same Go. What an image says of itself is read from deploy/Dockerfile.
package images

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Commands are the commands that have an image, by name.
var Commands = []string{"batch", "dispatcher", "delivery", "balsong"}

// Platforms are what images are built for where nothing else is asked.
var Platforms = []v1.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}}

// Options say what to build.
type Options struct {
	Root      string        // of the repository
	Go        string        // the go command; "": go
	Work      string        // directory for the binaries, which is kept until the images are written or pushed
	Commands  []string      // nil: all
	Platforms []v1.Platform // nil: all
	Arguments Arguments
	Own       string // directory whose files lie at the root of each image, as own texts and a policy; "": none
}

// Image is a command's image for each platform, and the index that names them.
type Image struct {
	Name  string
	Index v1.ImageIndex
	Parts []Part
}

// Part is the image of one platform.
type Part struct {
	Platform v1.Platform
	Image    v1.Image
}

// ErrCommand is returned for a command that has no image.
var ErrCommand = errors.New("no such image")

// Build builds the images. The binaries stay in options.Work: layers are read from there when they are written.
func Build(ctx context.Context, options Options) ([]Image, error) {
	if options.Commands == nil {
		options.Commands = Commands
	}
	if options.Platforms == nil {
		options.Platforms = Platforms
	}
	for _, name := range options.Commands {
		if !slices.Contains(Commands, name) {
			return nil, fmt.Errorf("%w: %q (there are %v)", ErrCommand, name, Commands)
		}
	}
	recipe, err := ReadRecipe(filepath.Join(options.Root, "deploy", "Dockerfile"), options.Arguments)
	if err != nil {
		return nil, err
	}
	mine, err := own(options.Own)
	if err != nil {
		return nil, err
	}
	found := make([]Image, len(options.Commands))
	for i, name := range options.Commands {
		found[i].Name = name
	}
	for _, platform := range options.Platforms {
		g := goTool{command: options.Go, dir: filepath.Join(options.Root, "bootstrap"), recipe: recipe, platform: platform}
		dir := filepath.Join(options.Work, platform.OS+"-"+platform.Architecture)
		if err := g.build(ctx, dir, options.Commands); err != nil {
			return nil, err
		}
		for i, name := range options.Commands {
			part, err := assemble(ctx, g, assembly{name: name, root: options.Root, binary: filepath.Join(dir, name), own: mine})
			if err != nil {
				return nil, fmt.Errorf("image %s for %s: %w", name, platform, err)
			}
			found[i].Parts = append(found[i].Parts, part)
		}
	}
	for i := range found {
		if err := found[i].index(); err != nil {
			return nil, fmt.Errorf("image %s: %w", found[i].Name, err)
		}
	}
	return found, nil
}
