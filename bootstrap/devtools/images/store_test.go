package images

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// small is an image of delivery for two platforms, with nothing but a text in it.
func small(t *testing.T, text string) Image {
	t.Helper()
	image := Image{Name: "delivery"}
	for _, platform := range Platforms {
		layer, err := files{"text": {text: []byte(text + platform.Architecture)}}.layer()
		if err != nil {
			t.Fatal(err)
		}
		made, err := mutate.AppendLayers(empty.Image, layer)
		if err != nil {
			t.Fatal(err)
		}
		image.Parts = append(image.Parts, Part{Platform: platform, Image: made})
	}
	if err := image.index(); err != nil {
		t.Fatal(err)
	}
	return image
}

func digest(t *testing.T, of interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	hash, err := of.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}

func TestALayoutNamesTheIndexAndEachPlatformAndReplacesAnEarlierOne(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "some", "where")
	image := small(t, "second ")
	for _, i := range []Image{small(t, "first "), image} {
		if err := Write(dir, []Image{i}); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range manifest.Manifests {
		got = append(got, m.Annotations[refName]+" "+m.Digest.String())
	}
	want := []string{
		"delivery " + digest(t, image.Index), "delivery-linux-amd64 " + digest(t, image.Parts[0].Image), "delivery-linux-arm64 " + digest(t, image.Parts[1].Image),
	}
	if !slices.Equal(got, want) {
		t.Errorf("it has %q, want %q", got, want)
	}
	blobs, err := os.ReadDir(filepath.Join(dir, "blobs", "sha256"))
	if err != nil || len(blobs) != 7 { // an index, and for each platform a manifest, a configuration and a layer
		t.Errorf("%d blobs (%v)", len(blobs), err)
	}
	if beside, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(beside) != 1 {
		t.Errorf("beside it lies %v (%v)", beside, err)
	}
}

func TestADirectoryWithSomethingElseIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "thesis.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, []Image{small(t, "")}); !errors.Is(err, ErrNotLayout) {
		t.Errorf("it writes: %v", err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestImagesArePushedWithTheCredentialsOfDockerLogin(t *testing.T) {
	const user, password = "kim", "secret"
	images := registry.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != user || p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	defer server.Close()
	address := strings.TrimPrefix(server.URL, "http://")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	image := small(t, "pushed ")
	to := Registry{Prefix: address + "/balsong", Tag: "1.2.0"}
	if _, err := Push(t.Context(), to, []Image{image}); err == nil {
		t.Fatal("it pushes without a login")
	}
	login := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, address, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(login), 0o600); err != nil {
		t.Fatal(err)
	}
	pushed, err := Push(t.Context(), to, []Image{image})
	if err != nil {
		t.Fatal(err)
	}
	want := address + "/balsong/delivery@" + digest(t, image.Index)
	if len(pushed) != 1 || pushed[0] != (Pushed{Image: want}) {
		t.Fatalf("pushed %v, want %s", pushed, want)
	}
	for _, reference := range []string{want, address + "/balsong/delivery:1.2.0"} {
		parsed, err := name.ParseReference(reference)
		if err != nil {
			t.Fatal(err)
		}
		found, err := remote.Head(parsed, remote.WithAuthFromKeychain(keychain), remote.WithContext(t.Context()))
		if err != nil || found.Digest.String() != digest(t, image.Index) {
			t.Errorf("%s: %v, %v", reference, found, err)
		}
	}
}

// ECR with immutable tags refuses a tag that is there, whatever the image.
func TestAPushThatBrokeOffIsRepeated(t *testing.T) {
	t.Parallel()
	images := registry.New()
	var broken atomic.Bool
	tags := sync.Map{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "AWS" || p != "hush" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/manifests/1.2.0") {
			if _, taken := tags.LoadOrStore(r.URL.Path, true); taken {
				http.Error(w, `{"errors": [{"code": "TAG_INVALID", "message": "the tag is immutable"}]}`, http.StatusBadRequest)
				return
			}
		}
		if broken.Load() && strings.Contains(r.URL.Path, "/batch/") {
			http.Error(w, "gone", http.StatusTeapot)
			return
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	to := Registry{Prefix: strings.TrimPrefix(server.URL, "http://") + "/balsong", Tag: "1.2.0", User: "AWS", Password: "hush"}
	delivery, batch := small(t, "delivery "), small(t, "batch ")
	batch.Name = "batch"
	broken.Store(true)
	if pushed, err := Push(t.Context(), to, []Image{delivery, batch}); err == nil || len(pushed) != 1 {
		t.Fatalf("pushed %v (%v)", pushed, err)
	}
	broken.Store(false)
	pushed, err := Push(t.Context(), to, []Image{delivery, batch})
	if err != nil || len(pushed) != 2 || !pushed[0].There || pushed[1].There {
		t.Errorf("pushed %v (%v)", pushed, err)
	}
	if _, err := Push(t.Context(), to, []Image{small(t, "another ")}); err == nil || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("another image has the tag: %v", err)
	}
	to.Password = "wrong"
	if _, err := Push(t.Context(), to, []Image{delivery}); err == nil {
		t.Error("it signs in with a wrong password")
	}
}

func TestOwnFilesLieAtTheRootOfAnImage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := own(dir); !errors.Is(err, ErrOwn) {
		t.Errorf("an empty directory: %v", err)
	}
	write("words/ko/sms.tmpl", "words")
	write("policy.json", "{}")
	found, err := own(dir)
	if err != nil || len(found) != 2 || string(found["words/ko/sms.tmpl"].text) != "words" || string(found["policy.json"].text) != "{}" {
		t.Errorf("it has %v (%v)", found, err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "words", "users")); err != nil {
		t.Fatal(err)
	}
	if _, err := own(dir); !errors.Is(err, ErrOwn) || !strings.Contains(err.Error(), "words/users is no file") {
		t.Errorf("a link: %v", err)
	}
	if _, err := own(filepath.Join(dir, "nothing")); !errors.Is(err, ErrOwn) {
		t.Errorf("no directory: %v", err)
	}
}
