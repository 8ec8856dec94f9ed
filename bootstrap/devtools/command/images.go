package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
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
one that is there. --push writes them to a registry too, with the credentials of docker login or of a
credential helper, or with --user and a password from standard input. It may be repeated: what is there
already stays.

--own DIRECTORY puts your own files into the images, at the root: texts as /words, a policy as /policy.json.`

// imagesFlags are the flags of "images".
type imagesFlags struct {
	options   images.Options
	out       string
	platforms []string
	version   string
	to        images.Registry
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
  balsong-dev images --version 1.2.0 --push registry.example.com/balsong --tag 1.2.0
  balsong-dev images --version 1.2.0 --own own --push registry.example.com/balsong --tag 1.2.0-words-1 batch balsong`,
		RunE: func(cmd *cobra.Command, commands []string) error {
			if (f.to.Prefix == "") != (f.to.Tag == "") || f.to.Prefix == "" && f.to.User != "" {
				return cli.Usagef("--push and --tag go together, and --user with both")
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
	flags.StringVar(&f.options.Own, "own", "", "`directory` of your own files, which lie at the root of each image")
	flags.StringVar(&f.to.Prefix, "push", "", "also write the images to this registry, as registry/prefix")
	flags.StringVar(&f.to.Tag, "tag", "", "tag in the registry, with --push")
	flags.StringVar(&f.to.User, "user", "", "sign in to the registry as this user, with the password from standard input")
	flags.StringVar(&f.options.Root, "root", ".", "directory of the repository")
	flags.StringVar(&f.options.Go, "go", "go", "the go command")
	cli.AddOutput(cmd)
	return cmd
}

// imagesAnswer is what was built.
type imagesAnswer struct {
	Layout string          `json:"layout"`
	Images []builtImage    `json:"images"`
	Pushed []images.Pushed `json:"pushed"` // name@digest
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
	if f.to.User != "" {
		// Before minutes of work, and no more than a password can be.
		password, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
		if err != nil {
			return err
		}
		if f.to.Password = strings.TrimSpace(string(password)); f.to.Password == "" {
			return cli.Usagef("--user: standard input has no password")
		}
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
	if f.to.Prefix != "" {
		if answer.Pushed, err = images.Push(ctx, f.to, built); err != nil {
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
	for _, p := range a.Pushed {
		said := "pushed"
		if p.There {
			said = "there already:"
		}
		fmt.Fprintf(out, "%s %s\n", said, p.Image)
	}
}
