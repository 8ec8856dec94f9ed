package images

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// kept are the variables of the caller that the go command needs and that no byte of a binary depends on. All others are left
// out: GOFLAGS, GOEXPERIMENT or CGO_CFLAGS of a machine would make another binary.
var kept = []string{
	"PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GOPATH", "GOCACHE", "GOMODCACHE", "GOTMPDIR", "GOENV", "GOTELEMETRY",
	"GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "NETRC",
}

// ErrBuild is wrapped where a binary is not what the Dockerfile says: something on the machine changed it.
var ErrBuild = errors.New("the binary is another one than deploy/Dockerfile makes")

// goTool runs the go command for one platform.
type goTool struct {
	command  string
	dir      string // of the module that has the commands
	recipe   Recipe
	platform v1.Platform
}

// levels are the variables that choose the processors that a binary runs on; the values are Go's defaults.
var levels = map[string][2]string{"amd64": {"GOAMD64", "v1"}, "arm64": {"GOARM64", "v8.0"}}

func (g goTool) environment() (environment []string) {
	for _, name := range kept {
		if value, ok := os.LookupEnv(name); ok {
			environment = append(environment, name+"="+value)
		}
	}
	environment = append(environment, g.recipe.Environment...)
	// The Dockerfile takes the Go of its base image; here the go command fetches that Go where it is another one itself.
	environment = append(environment, "GOTOOLCHAIN=go"+g.recipe.Go, "GO111MODULE=on", "GOOS="+g.platform.OS, "GOARCH="+g.platform.Architecture)
	if level, ok := levels[g.platform.Architecture]; ok {
		environment = append(environment, level[0]+"="+level[1])
	}
	return environment
}

func (g goTool) run(ctx context.Context, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, cmp.Or(g.command, "go"), arguments...)
	cmd.Dir, cmd.Env = g.dir, g.environment()
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(failure.String()))
	}
	return out.Bytes(), nil
}

// build compiles commands into a directory, and sees that nothing but the Dockerfile decided how.
func (g goTool) build(ctx context.Context, dir string, commands []string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	arguments := []string{"build", "-ldflags=-s -w -X github.com/balsong/balsong/bootstrap/core.build=" + g.recipe.version(), "-o", dir + string(filepath.Separator)}
	for _, name := range commands {
		arguments = append(arguments, "./cmd/"+name)
	}
	if _, err := g.run(ctx, arguments...); err != nil {
		return err
	}
	for _, name := range commands {
		info, err := buildinfo.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := g.verify(info); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// verify compares what a binary says of its build with what is expected, and refuses a setting that nobody expects.
func (g goTool) verify(info *debug.BuildInfo) error {
	expected := map[string]string{
		"-buildmode": "exe", "-compiler": "gc", "-trimpath": "true", "CGO_ENABLED": "0", "GOOS": g.platform.OS, "GOARCH": g.platform.Architecture,
	}
	if level, ok := levels[g.platform.Architecture]; ok {
		expected[level[0]] = level[1]
	}
	if info.GoVersion != "go"+g.recipe.Go {
		return fmt.Errorf("%w: built with %s instead of go%s", ErrBuild, info.GoVersion, g.recipe.Go)
	}
	for _, s := range info.Settings {
		if expected[s.Key] != s.Value {
			return fmt.Errorf("%w: %s is %q instead of %q", ErrBuild, s.Key, s.Value, expected[s.Key])
		}
		delete(expected, s.Key)
	}
	if len(expected) > 0 {
		return fmt.Errorf("%w: without %v", ErrBuild, expected)
	}
	return nil
}

// module is what `go list` says of a module.
type module struct{ Path, Version, Dir string }

// listed is what `go list` says of a package.
type listed struct {
	Dir      string
	Standard bool
	Module   *module
}

// packages lists what a command links.
func (g goTool) packages(ctx context.Context, command string) (found []listed, err error) {
	out, err := g.run(ctx, "list", "-deps", "-json=Dir,Standard,Module", "./cmd/"+command)
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		found = append(found, p)
	}
}

// root is the directory of the Go that builds.
func (g goTool) root(ctx context.Context) (string, error) {
	out, err := g.run(ctx, "env", "GOROOT")
	return strings.TrimSpace(string(out)), err
}

// certificates is the module of the root certificates, which this program links and the binaries do not.
func (g goTool) certificates(ctx context.Context) (m module, err error) {
	out, err := g.run(ctx, "-C", "devtools", "list", "-m", "-json", certificateModule)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

// linked are the modules of a binary, the project's own among them, by path.
func linked(info *debug.BuildInfo) []debug.Module {
	modules := []debug.Module{info.Main}
	for _, m := range info.Deps {
		modules = append(modules, *m)
	}
	slices.SortFunc(modules, func(a, b debug.Module) int { return strings.Compare(a.Path, b.Path) })
	return modules
}
