package imagetest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/balsong/balsong/bootstrap/devtools/images"
	"github.com/balsong/balsong/bootstrap/devtools/localenv/child"
)

// shared is the unpacked images, which all tests of this package run, and the OCI runtime's directory of states.
var shared struct {
	once   sync.Once
	dir    string
	err    error
	number atomic.Int32
}

func TestMain(m *testing.M) {
	child.Main()
	code := m.Run()
	if shared.dir != "" {
		_ = asRoot("rm", "-rf", shared.dir).Run()
	}
	os.Exit(code)
}

// runtime is the OCI runtime. These tests build the images, so they run only where BALSONG_TEST_IMAGES is "required", and fail
// there without runc, umoci, or the rights of root.
func runtime(t *testing.T) string {
	t.Helper()
	if os.Getenv("BALSONG_TEST_IMAGES") != "required" {
		t.Skip("it builds the images and runs them: `make images-check` does, with runc and umoci")
	}
	_, err := exec.LookPath("umoci")
	must(t, err)
	program, err := exec.LookPath("runc")
	must(t, err)
	must(t, asRoot("true").Run())
	return program
}

// asRoot is a command with the rights of root, by sudo where this process does not have them: an unprivileged user cannot give a
// process the user of the images.
func asRoot(program string, arguments ...string) *exec.Cmd {
	if os.Geteuid() == 0 {
		return exec.Command(program, arguments...)
	}
	return exec.Command("sudo", append([]string{"-n", program}, arguments...)...)
}

// unpacked builds the images of this machine's platform, once, and unpacks each with umoci.
func unpacked(t *testing.T) (dir string) {
	t.Helper()
	shared.once.Do(func() { shared.err = unpack(t.Context()) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.dir
}

func unpack(ctx context.Context) (err error) {
	if shared.dir, err = os.MkdirTemp("", "balsong-images-"); err != nil {
		return err
	}
	platform := v1.Platform{OS: "linux", Architecture: architecture}
	built, err := images.Build(ctx, images.Options{
		Root: repository, Work: filepath.Join(shared.dir, "work"), Platforms: []v1.Platform{platform},
	})
	if err != nil {
		return err
	}
	layout := filepath.Join(shared.dir, "layout")
	if err := images.Write(layout, built); err != nil {
		return err
	}
	for _, image := range built {
		bundle := filepath.Join(shared.dir, image.Name)
		said, err := asRoot("umoci", "unpack", "--image", layout+":"+image.Name+"-linux-"+architecture, bundle).CombinedOutput()
		if err != nil {
			return fmt.Errorf("umoci: %w: %s", err, said)
		}
		if err := asRoot("chmod", "755", bundle).Run(); err != nil { // the tests read its configuration
			return err
		}
	}
	return nil
}

// container is a process that runs in an image.
type container struct {
	t      *testing.T
	id     string
	cmd    *exec.Cmd
	done   chan struct{}
	output safeBuffer // of both streams
}

// options are what a platform adds to an image.
type options struct {
	environment map[string]string
	inputs      string // directory that the container sees as /in; "": none
}

// start starts an image's command with arguments.
func start(t *testing.T, image string, o options, arguments ...string) *container {
	t.Helper()
	program, dir := runtime(t), unpacked(t)
	c := &container{t: t, id: "balsong-" + image + "-" + name(), done: make(chan struct{})}
	bundle := t.TempDir()
	configure(t, filepath.Join(dir, image), bundle, o, arguments)
	c.cmd = asRoot(program, "--root", filepath.Join(dir, "states"), "run", "--bundle", bundle, c.id)
	c.cmd.Stdout, c.cmd.Stderr = &c.output, &c.output
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = c.cmd.Wait(); close(c.done) }()
	t.Cleanup(func() {
		_, _ = c.runc("delete", "--force", c.id) // it is gone, where all went well
		<-c.done
	})
	return c
}

// configure writes the configuration that umoci made of the image's into a bundle of its own, with as little as possible allowed.
func configure(t *testing.T, image, bundle string, o options, arguments []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(image, "config.json"))
	must(t, err)
	config := map[string]any{}
	must(t, json.Unmarshal(text, &config))
	process := config["process"].(map[string]any)
	process["terminal"] = false
	process["noNewPrivileges"] = true
	process["capabilities"] = map[string]any{}
	for _, argument := range arguments {
		process["args"] = append(process["args"].([]any), argument)
	}
	for variable, value := range o.environment {
		process["env"] = append(process["env"].([]any), variable+"="+value)
	}
	config["root"] = map[string]any{"path": filepath.Join(image, "rootfs"), "readonly": true}
	mounts := []any{
		map[string]any{"destination": "/proc", "type": "proc", "source": "proc"},
		map[string]any{"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "strictatime", "mode=755", "size=64k"}},
	}
	if o.inputs != "" {
		mounts = append(mounts, map[string]any{"destination": "/in", "type": "bind", "source": o.inputs, "options": []string{"rbind", "ro"}})
	}
	config["mounts"] = mounts
	config["linux"] = map[string]any{
		// All but network and user: the components listen on the machine's loopback address.
		"namespaces":    []any{map[string]any{"type": "pid"}, map[string]any{"type": "ipc"}, map[string]any{"type": "uts"}, map[string]any{"type": "mount"}},
		"maskedPaths":   []string{"/proc/kcore", "/proc/keys", "/proc/sched_debug"},
		"readonlyPaths": []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"},
	}
	text, err = json.Marshal(config)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(bundle, "config.json"), text, 0o600))
}

// runc asks the runtime about a container.
func (c *container) runc(arguments ...string) (string, error) {
	command := append([]string{"--root", filepath.Join(shared.dir, "states")}, arguments...)
	said, err := asRoot("runc", command...).CombinedOutput()
	return strings.TrimSpace(string(said)), err
}

// signal sends a signal to the container's process.
func (c *container) signal(s string) {
	c.t.Helper()
	if said, err := c.runc("kill", c.id, s); err != nil {
		c.t.Fatalf("runc kill %s: %v: %s", s, err, said)
	}
}

// exec runs a command of the image inside of the container, as its health check does.
func (c *container) exec(arguments ...string) (code int, said string) {
	said, err := c.runc(append([]string{"exec", c.id}, arguments...)...)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		c.t.Fatal(err)
	}
	if ended != nil {
		return ended.ExitCode(), said
	}
	return 0, said
}

// wait waits for the container's end and returns its exit code.
func (c *container) wait(most time.Duration) (code int) {
	c.t.Helper()
	if !c.ended(most) {
		c.t.Fatalf("%s did not end within %s:\n%s", c.id, most, c.output.String())
	}
	return c.cmd.ProcessState.ExitCode()
}

func (c *container) ended(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-c.done:
		return true
	case <-timer.C:
		return false
	}
}

// stop does what a platform does: SIGTERM, and SIGKILL when the stop timeout is over.
func (c *container) stop(timeout time.Duration) (killed bool) {
	c.t.Helper()
	c.signal("TERM")
	if c.ended(timeout) {
		return false
	}
	c.signal("KILL")
	c.wait(time.Minute)
	return true
}

// run runs an image's command to its end, which is to have an exit code.
func run(t *testing.T, code int, image string, o options, arguments ...string) (said string) {
	t.Helper()
	c := start(t, image, o, arguments...)
	if got := c.wait(2 * time.Minute); got != code {
		t.Fatalf("%s %s ended with %d, want %d:\n%s", image, strings.Join(arguments, " "), got, code, c.output.String())
	}
	return c.output.String()
}

// safeBuffer may be read while a process writes to it.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
