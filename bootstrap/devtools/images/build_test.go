package images

import (
	"archive/tar"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// The test that says that the same sources make the same digests: another directory with other times and modes of the files,
// another home, time zone and settings of Go. Both builds share Go's build cache, which knows a compiled package by all that it
// was compiled from; ADR 0050 has the run without it.
func TestTheSameSourcesMakeTheSameDigests(t *testing.T) {
	if os.Getenv("BALSONG_TEST_IMAGES") != "required" {
		t.Skip("it compiles every command: `make images-check` does")
	}
	here := []v1.Platform{{OS: "linux", Architecture: runtime.GOARCH}}
	arguments := Arguments{"VERSION": "1.2.0", "REVISION": "abc", "CREATED": "2026-11-30T00:00:00Z"}
	first, err := Build(t.Context(), Options{Root: repository, Work: t.TempDir(), Arguments: arguments, Platforms: here})
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", variable).Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(variable, strings.TrimSpace(string(value)))
	}
	for variable, value := range map[string]string{
		"HOME": t.TempDir(), "TZ": "Asia/Seoul", "LANG": "ko_KR.UTF-8", "GOFLAGS": "-tags=other", "GOAMD64": "v3", "GOARM64": "v9.0", "CGO_ENABLED": "1",
	} {
		t.Setenv(variable, value)
	}
	second, err := Build(t.Context(), Options{Root: elsewhere(t), Work: t.TempDir(), Arguments: arguments, Platforms: here})
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != len(Commands) || len(second) != len(first) {
		t.Fatalf("%d and %d images, want %d", len(first), len(second), len(Commands))
	}
	for i := range first {
		if a, b := digests(t, first[i]), digests(t, second[i]); a != b {
			t.Errorf("%s:\n%s and then\n%s", first[i].Name, a, b)
		}
	}
}

// elsewhere is a copy of the sources in another directory, whose files have other times and modes.
func elsewhere(t *testing.T) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "a directory", "of another name")
	for _, name := range sources {
		from, to := filepath.Join(repository, name), filepath.Join(root, name)
		info, err := os.Stat(from)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			err = os.CopyFS(to, os.DirFS(from))
		} else {
			var text []byte
			if text, err = os.ReadFile(from); err == nil {
				err = errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.WriteFile(to, text, 0o600))
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	old := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, name := range []string{"LICENSE", "NOTICE", "bootstrap/cmd/delivery/main.go"} {
		if err := os.Chtimes(filepath.Join(root, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// digests are those of an image's index and of what its platforms' manifests name, so that a difference can be seen in a layer.
func digests(t *testing.T, i Image) string {
	t.Helper()
	index, err := i.Index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	all := index.String()
	for _, part := range i.Parts {
		manifest, err := part.Image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		all += "\n  " + part.Platform.String() + " config " + manifest.Config.Digest.Hex[:12]
		for _, layer := range manifest.Layers {
			all += " layer " + layer.Digest.Hex[:12]
		}
	}
	return all
}

func TestALayerIsTheSameWhateverTheOrderTimeAndModeOfItsFiles(t *testing.T) {
	t.Parallel()
	digest := func(mode os.FileMode, at time.Time) string {
		program := filepath.Join(t.TempDir(), "program")
		if err := errors.Join(os.WriteFile(program, []byte("program"), mode), os.Chtimes(program, at, at)); err != nil {
			t.Fatal(err)
		}
		f := files{"program": {program: program}}
		for _, name := range strings.Fields("a b c/d c/e f/g/h i j k/l m n o p q r/s t u v") {
			f[name] = source{text: []byte(name)}
		}
		layer, err := f.layer()
		if err != nil {
			t.Fatal(err)
		}
		looksTheSameEverywhere(t, layer)
		hash, err := layer.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return hash.String()
	}
	want := digest(0o600, time.Unix(1, 0))
	for i := range 5 {
		if got := digest(0o755, time.Unix(int64(i)*1e6, 0)); got != want {
			t.Fatalf("%s and then %s", want, got)
		}
	}
}

// looksTheSameEverywhere looks for the time of day, which two layers made within a second have in common.
func looksTheSameEverywhere(t *testing.T, layer v1.Layer) {
	t.Helper()
	content, err := layer.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	for archive := tar.NewReader(content); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.ModTime.Unix() != 0 || header.Uid != 0 || header.Gid != 0 || header.Uname != "" || header.FileInfo().Mode().Perm()&0o022 != 0 {
			t.Errorf("%s: %+v", header.Name, header)
		}
	}
}

func TestABinaryThatTheMachineChangedIsRefused(t *testing.T) {
	t.Parallel()
	g := goTool{recipe: Recipe{Go: "1.26.8"}, platform: v1.Platform{OS: "linux", Architecture: "amd64"}}
	good := func() *debug.BuildInfo {
		return &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "-buildmode", Value: "exe"},
			{Key: "-compiler", Value: "gc"},
			{Key: "-trimpath", Value: "true"},
			{Key: "CGO_ENABLED", Value: "0"},
			{Key: "GOARCH", Value: "amd64"},
			{Key: "GOOS", Value: "linux"},
			{Key: "GOAMD64", Value: "v1"},
		}}
	}
	if err := g.verify(good()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*debug.BuildInfo){
		"an experiment": func(i *debug.BuildInfo) {
			i.Settings = append(i.Settings, debug.BuildSetting{Key: "GOEXPERIMENT", Value: "arenas"})
		},
		"a tag": func(i *debug.BuildInfo) {
			i.Settings = append(i.Settings, debug.BuildSetting{Key: "-tags", Value: "x"})
		},
		"its paths":      func(i *debug.BuildInfo) { i.Settings = append(i.Settings[:2], i.Settings[3:]...) },
		"newer machines": func(i *debug.BuildInfo) { i.Settings[6].Value = "v3" },
		"another Go":     func(i *debug.BuildInfo) { i.GoVersion = "go1.26.7" },
	} {
		info := good()
		if change(info); !errors.Is(g.verify(info), ErrBuild) {
			t.Errorf("%s: %v", what, g.verify(info))
		}
	}
}

func TestTheRootCertificatesAreManyAndOfToday(t *testing.T) {
	t.Parallel()
	text, err := certificates()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatal("no certificate")
	}
	if n := strings.Count(string(text), "BEGIN CERTIFICATE"); n < 100 {
		t.Errorf("%d certificates", n)
	}
	for _, name := range []string{"CN=Amazon Root CA 1,", "CN=ISRG Root X1,"} {
		if !strings.Contains(string(text), name) {
			t.Errorf("%s is not there", name)
		}
	}
	for root := range bundle.Roots() {
		there := strings.Contains(string(text), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})))
		if certificate, err := x509.ParseCertificate(root.Certificate); err != nil || there != (root.Constraint == nil) {
			t.Errorf("%s: there %t, bound to a date %t (%v)", certificate.Subject, there, root.Constraint != nil, err)
		}
	}
}
