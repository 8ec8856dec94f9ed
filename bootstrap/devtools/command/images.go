package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"text/tabwriter"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/balsong/balsong/bootstrap/cli"
	"github.com/balsong/balsong/bootstrap/devtools/images"
)

const imagesHelp = `Build the OCI images of batch, dispatcher, delivery and balsong, without a container engine, from the sources
in the directory where it is started: a static binary, root certificates, licences and an SBOM (CycloneDX),
for linux/amd64 and linux/arm64. What an image says of itself is read from deploy/Dockerfile.

The same sources make the same digests on every machine. Images go into an OCI layout, which replaces the
one that is there; --push writes them to a registry too, with the credentials of docker login or of a
credential helper.`

// imagesFlags are the flags of "images".
type imagesFlags struct {
	options   images.Options
	out       string
	platforms []string
	version   string
	push, tag string
}

// newImages is the subcommand "images".
func newImages() *cobra.Command {
	var f imagesFlags
	cmd := &cobra.Command{
		Use:       "images [flags] [COMMAND…]",
		Short:     "Build OCI images, reproducibly and without a container engine",
		Long:      imagesHelp,
		Args:      cobra.OnlyValidArgs,
		ValidArgs: images.Commands,
		Example: `  balsong-dev images
  balsong-dev images --platform linux/arm64 --out /tmp/images delivery
  balsong-dev images --version 1.2.0 --push registry.example.com/balsong --tag 1.2.0`,
		RunE: func(cmd *cobra.Command, commands []string) error {
			if (f.push == "") != (f.tag == "") {
				return cli.Usagef("--push and --tag go together")
			}
			if len(commands) > 0 {
				f.options.Commands = commands
			}
			return f.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.out, "out", "bin/images", "directory of the OCI layout")
	flags.StringSliceVar(&f.platforms, "platform", nil, "os/architecture, comma-separated (default linux/amd64,linux/arm64)")
	flags.StringVar(&f.version, "version", "", "version that the images' labels and SBOMs say")
	flags.StringVar(&f.push, "push", "", "also write the images to this registry, as registry/prefix")
	flags.StringVar(&f.tag, "tag", "", "tag in the registry, with --push")
	flags.StringVar(&f.options.Root, "root", ".", "directory of the repository")
	flags.StringVar(&f.options.Go, "go", "go", "the go command")
	cli.AddOutput(cmd)
	return cmd
}

// imagesAnswer is what was built.
type imagesAnswer struct {
	Layout string       `json:"layout"`
	Images []builtImage `json:"images"`
	Pushed []string     `json:"pushed"` // name@digest
}

// builtImage is an image of one platform, or the index of a command's images.
type builtImage struct {
	Name     string `json:"name"`
	Platform string `json:"platform,omitempty"` // "": the index
	Digest   string `json:"digest"`
	Bytes    int64  `json:"bytes,omitempty"` // to be pulled
}

func (f imagesFlags) run(cmd *cobra.Command) (err error) {
	for _, name := range f.platforms {
		platform, err := v1.ParsePlatform(name)
		if err != nil || platform.Architecture == "" {
			return cli.Usagef("--platform: %q is not os/architecture", name)
		}
		f.options.Platforms = append(f.options.Platforms, *platform)
	}
	ctx := cmd.Context()
	if f.options.Arguments, err = f.arguments(ctx); err != nil {
		return err
	}
	if f.options.Work, err = os.MkdirTemp("", "balsong-images-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(f.options.Work)) }()
	built, err := images.Build(ctx, f.options)
	if err != nil {
		return err
	}
	if err := images.Write(f.out, built); err != nil {
		return err
	}
	answer := imagesAnswer{Layout: f.out}
	if answer.Images, err = describe(built); err != nil {
		return err
	}
	if f.push != "" {
		if answer.Pushed, err = images.Push(ctx, f.push, f.tag, built); err != nil {
			return err
		}
	}
	return cli.Answer(cmd, answer, answer.write)
}

func (f imagesFlags) arguments(ctx context.Context) (images.Arguments, error) {
	arguments, err := images.Checkout(ctx, f.options.Root)
	if err == nil && f.version != "" {
		maps.Copy(arguments, images.Arguments{"VERSION": f.version})
	}
	return arguments, err
}

func describe(built []images.Image) (found []builtImage, err error) {
	for _, image := range built {
		digest, err := image.Index.Digest()
		if err != nil {
			return nil, err
		}
		found = append(found, builtImage{Name: image.Name, Digest: digest.String()})
		for _, part := range image.Parts {
			b := builtImage{Name: image.Name, Platform: part.Platform.String()}
			manifest, err := part.Image.Manifest()
			if err != nil {
				return nil, err
			}
			digest, err := part.Image.Digest()
			if err != nil {
				return nil, err
			}
			b.Digest, b.Bytes = digest.String(), manifest.Config.Size
			for _, layer := range manifest.Layers {
				b.Bytes += layer.Size
			}
			found = append(found, b)
		}
	}
	return found, nil
}

func (a imagesAnswer) write(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, image := range a.Images {
		size := ""
		if image.Bytes > 0 {
			size = fmt.Sprintf("%.1f MB", float64(image.Bytes)/1e6)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", image.Name, image.Platform, size, image.Digest)
	}
	_ = table.Flush()
	for _, name := range a.Pushed {
		fmt.Fprintf(out, "pushed %s\n", name)
	}
}
