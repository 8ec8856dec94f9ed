package images

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const repository = "../../.."

// dockerfile writes the project's Dockerfile with one text replaced, and returns its path.
func dockerfile(t *testing.T, old, broken string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "deploy", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("the Dockerfile does not contain %q: the test breaks nothing", old)
	}
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, broken)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheImageOfDeliverySaysWhatTheDockerfileSays(t *testing.T) {
	t.Parallel()
	recipe, err := ReadRecipe(dockerfile(t, "FROM", "FROM"), Arguments{"VERSION": "1.2.0", "REVISION": "abc"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := recipe.Image("delivery")
	if err != nil {
		t.Fatal(err)
	}
	labels := got.Config.Labels
	got.Config.Labels = nil
	want := Contents{Binary: "/delivery", Certificates: "/etc/ssl/certs/ca-certificates.crt", Config: v1.Config{
		User: "65532:65532", WorkingDir: "/", Entrypoint: []string{"/delivery"}, Env: []string{"BALSONG_HEALTH_ADDR=0.0.0.0:9464"},
		ExposedPorts: map[string]struct{}{"9464/tcp": {}},
		Healthcheck: &v1.HealthConfig{
			Test: []string{"CMD", "/delivery", "health"}, Interval: 10 * time.Second, Timeout: 5 * time.Second, StartPeriod: 30 * time.Second,
		},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("it says\n%+v, want\n%+v", got, want)
	}
	for label, want := range map[string]string{
		"title": "balsong/delivery", "description": "Delivers what is requested and settles it", "version": "1.2.0", "revision": "abc",
		"created": "1970-01-01T00:00:00Z", "licenses": "Apache-2.0", "source": "https://" + project, "vendor": "The Balsong authors",
	} {
		if got := labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	want2 := []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false '-ldflags=-s -w'", "GOTOOLCHAIN=local", "GOWORK=off"}
	if !reflect.DeepEqual(recipe.Environment, want2) || len(strings.Split(recipe.Go, ".")) != 3 {
		t.Errorf("it builds with Go %s and %q, want %q", recipe.Go, recipe.Environment, want2)
	}
}

func TestEveryImageRunsItsCommandAsAnUnprivilegedUserAndHasRootCertificates(t *testing.T) {
	t.Parallel()
	recipe, err := ReadRecipe(filepath.Join(repository, "deploy", "Dockerfile"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range Commands {
		c, err := recipe.Image(command)
		if err != nil {
			t.Fatal(err)
		}
		if c.Config.User != "65532:65532" || !reflect.DeepEqual(c.Config.Entrypoint, []string{"/" + command}) || c.Binary != "/"+command || c.Certificates != certificateFile {
			t.Errorf("%s: %+v", command, c)
		}
	}
}

func TestADockerfileThatSaysMoreThanImagesCanDoIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ old, broken, want string }{
		{"EXPOSE 9464", "EXPOSE 9464\nSTOPSIGNAL SIGINT", "STOPSIGNAL SIGINT: not known here"},
		{"EXPOSE 9464", "RUN chmod +x /delivery", "RUN chmod +x /delivery: not known here"},
		{`ENTRYPOINT ["/delivery"]`, "ENTRYPOINT /delivery", "there is no shell"},
		{`CMD ["/delivery", "health"]`, "CMD /delivery health", `want options CMD`},
		{"--interval=10s", "--retries=3", "option --retries=3"},
		{"COPY --from=services /out/delivery", "COPY --from=tools /out/delivery", "neither a binary"},
		{"COPY --from=services /out/delivery /delivery", "COPY bootstrap /bootstrap", "want COPY --from"},
		{"version=$VERSION", "version=$VERSON", "no ARG VERSON"},
		{`"Delivers what`, `'Delivers what`, "want name=value"},
		{"FROM base AS delivery", "FROM base", "want FROM image AS name"},
		{"FROM base AS delivery", "FROM bases AS delivery", "no stage is called bases"},
		{"FROM golang:1.26.8-bookworm", "FROM golang:latest", "no stage is from golang"},
	} {
		recipe, err := ReadRecipe(dockerfile(t, test.old, test.broken), nil)
		if err == nil {
			_, err = recipe.Image("delivery")
		}
		if !errors.Is(err, ErrDockerfile) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s instead of %s: %v, want %q", test.broken, test.old, err, test.want)
		}
	}
}
