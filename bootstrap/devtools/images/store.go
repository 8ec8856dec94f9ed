package images

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// refName is the annotation by which tools find an image in a layout.
const refName = "org.opencontainers.image.ref.name"

// ErrNotLayout is returned for a directory that holds something else than images.
var ErrNotLayout = errors.New("it holds something else than an OCI layout: name another directory")

// Write writes the images into an OCI layout, which replaces the one in the directory. Each command has the name of its index,
// and each platform one of its own (delivery-linux-amd64) for tools that take no index.
func Write(dir string, images []Image) (err error) {
	if err := replaceable(dir); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	to, err := layout.Write(fresh, empty.Index)
	if err != nil {
		return err
	}
	for _, image := range images {
		if err := image.write(to); err != nil {
			return fmt.Errorf("write the image %s: %w", image.Name, err)
		}
	}
	return errors.Join(os.Chmod(fresh, 0o755), os.RemoveAll(dir), os.Rename(fresh, dir))
}

func (i Image) write(to layout.Path) error {
	named := func(name string) layout.Option { return layout.WithAnnotations(map[string]string{refName: name}) }
	if err := to.AppendIndex(i.Index, named(i.Name)); err != nil {
		return err
	}
	for _, part := range i.Parts {
		p := part.Platform
		if err := to.AppendImage(part.Image, named(i.Name+"-"+p.OS+"-"+p.Architecture), layout.WithPlatform(p)); err != nil {
			return err
		}
	}
	return nil
}

// replaceable refuses a directory whose content would be lost.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == "oci-layout" {
			return nil
		}
	}
	if len(entries) > 0 {
		return ErrNotLayout
	}
	return nil
}

// keychain has the credentials that docker login and the credential helpers leave for every tool.
var keychain = authn.DefaultKeychain

// Registry is where images are pushed to, as Prefix/NAME:Tag.
type Registry struct {
	Prefix, Tag string
	// User signs in with Password; "": with what docker login and the credential helpers know.
	User, Password string
}

// Pushed is an image in a registry, by its digest.
type Pushed struct {
	Image string `json:"image"`
	There bool   `json:"there"` // it was there already
}

// Push writes the images to a registry, and returns where each one is. A tag that has the image already is left as it is: a registry whose tags are
// immutable refuses even the same image, and a push that broke off could not be repeated.
func Push(ctx context.Context, to Registry, images []Image) (pushed []Pushed, err error) {
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain)}
	if to.User != "" {
		options = []remote.Option{remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: to.User, Password: to.Password})}
	}
	for _, image := range images {
		tag, err := name.NewTag(to.Prefix + "/" + image.Name + ":" + to.Tag)
		if err != nil {
			return pushed, err
		}
		digest, err := image.Index.Digest()
		if err != nil {
			return pushed, err
		}
		found, err := remote.Head(tag, options...)
		there := err == nil && found.Digest == digest // what is wrong with the registry itself, the push will say
		if !there {
			if err := remote.WriteIndex(tag, image.Index, options...); err != nil {
				return pushed, fmt.Errorf("push %s: %w", tag, err)
			}
		}
		pushed = append(pushed, Pushed{Image: tag.Context().Digest(digest.String()).String(), There: there})
	}
	return pushed, nil
}
