// Package deploycheck holds a test that reads deploy/ as text: nothing there is built or started,
// so what can be wrong without an engine (a stage, a path, a variable that nobody reads) must be found by reading.
package deploycheck

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/balsong/balsong/bootstrap/config"
	"github.com/balsong/balsong/bootstrap/devtools/gatewaysim/behaviour"
)

// compose is the part of a compose file that is checked.
type compose struct {
	Services map[string]service `yaml:"services"`
	Volumes  map[string]any     `yaml:"volumes"`
	Configs  map[string]struct {
		Content string
	}
}

type service struct {
	Image   string `yaml:"image"`
	Command []string
	Build   struct {
		Context, Dockerfile, Target string
	}
	Environment map[string]string
	Volumes     []string
	DependsOn   map[string]any `yaml:"depends_on"`
}

// check returns what is wrong with deploy/ below root, one sentence each.
func check(root string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/compose.yaml"))
	if err != nil {
		return nil, err
	}
	var file compose
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("deploy/compose.yaml: %w", err)
	}
	var wrong []string
	for name, service := range file.Services {
		wrong = append(wrong, prefixed("service "+name+": ", service.check(root, file))...)
	}
	wrong = append(wrong, file.checkReports()...)
	ignored, err := checkIgnore(root)
	slices.Sort(wrong)
	return append(wrong, ignored...), err
}

func (s service) check(root string, file compose) (wrong []string) {
	if s.Image == "" {
		dockerfile := filepath.Join(root, "deploy", s.Build.Context, s.Build.Dockerfile)
		wrong = append(wrong, checkStage(root, dockerfile, s.Build.Target)...)
		for variable := range s.Environment {
			if !slices.ContainsFunc(config.Variables[config.Everything](), func(v config.Variable) bool { return v.Name == variable }) {
				wrong = append(wrong, variable+" is read by no program")
			}
		}
	} else if !strings.Contains(s.Image, ":") || strings.HasSuffix(s.Image, ":latest") {
		wrong = append(wrong, "image "+s.Image+" has no version")
	}
	for other := range s.DependsOn {
		if _, ok := file.Services[other]; !ok {
			wrong = append(wrong, "depends on "+other+", which is no service")
		}
	}
	for _, mount := range s.Volumes {
		volume, _, _ := strings.Cut(mount, ":")
		if _, ok := file.Volumes[volume]; !ok {
			wrong = append(wrong, "mounts "+volume+", which is no volume of the file")
		}
	}
	return append(wrong, s.checkFlags(root)...)
}

// checkFlags: the flags given to the gateway simulator exist.
func (s service) checkFlags(root string) (wrong []string) {
	if len(s.Command) == 0 || s.Command[0] != "gateway" {
		return nil
	}
	source, err := os.ReadFile(filepath.Join(root, "bootstrap/devtools/command/gateway.go"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, argument := range s.Command {
		if flag, ok := strings.CutPrefix(argument, "--"); ok && !strings.Contains(string(source), `"`+flag+`"`) {
			wrong = append(wrong, argument+" is no flag of balsong-dev gateway")
		}
	}
	return wrong
}

// checkReports: the simulator understands its settings, and bounces come to where a service takes them.
func (c compose) checkReports() (wrong []string) {
	var settings behaviour.Settings
	decoder := json.NewDecoder(strings.NewReader(c.Configs["gateway"].Content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&settings); err != nil {
		return []string{"the settings of the gateway: " + err.Error()}
	}
	host, port, _ := strings.Cut(strings.TrimPrefix(settings.Vendors.SMTP.ReportsTo, "lmtp://"), ":")
	if taken := c.Services[host].Environment["BALSONG_FEEDBACK_LMTP_ADDR"]; taken == "" || !strings.HasSuffix(taken, ":"+port) {
		wrong = append(wrong, "bounces come to "+settings.Vendors.SMTP.ReportsTo+", where no service takes them")
	}
	return wrong
}

var (
	stageLine = regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`)
	fromLine  = regexp.MustCompile(`--from=(\S+)`)
	buildLine = regexp.MustCompile(`go build -C (\S+) .*(\./\S+)`)
	checkLine = regexp.MustCompile(`(?m)^HEALTHCHECK .*CMD \["/(\S+)", "(\S+)"\]\nENTRYPOINT \["/(\S+)"\]$`)
)

// checkStage: the stage and all that the Dockerfile refers to exist.
func checkStage(root, dockerfile, target string) (wrong []string) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return []string{err.Error()}
	}
	stages := map[string]bool{}
	for _, match := range stageLine.FindAllStringSubmatch(string(text), -1) {
		stages[match[2]] = true
	}
	if !stages[target] {
		wrong = append(wrong, "target "+target+" is no stage of the Dockerfile")
	}
	for _, match := range fromLine.FindAllStringSubmatch(string(text), -1) {
		if !stages[match[1]] {
			wrong = append(wrong, "the Dockerfile copies from "+match[1]+", which is no stage")
		}
	}
	builds := buildLine.FindAllStringSubmatch(string(text), -1)
	if len(builds) == 0 {
		wrong = append(wrong, "the Dockerfile builds nothing")
	}
	for _, match := range builds {
		if _, err := os.Stat(filepath.Join(root, match[1], strings.TrimSuffix(match[2], "/..."))); err != nil {
			wrong = append(wrong, "the Dockerfile builds "+match[2]+" in "+match[1]+": "+err.Error())
		}
	}
	return append(wrong, checkHealth(root, string(text))...)
}

// checkHealth: each service that listens says in its image how it is asked whether it is ready, by a command of its own.
func checkHealth(root, dockerfile string) (wrong []string) {
	checks := checkLine.FindAllStringSubmatch(dockerfile, -1)
	if len(checks) != strings.Count(dockerfile, "\nEXPOSE ") || len(checks) == 0 {
		wrong = append(wrong, "an image of the Dockerfile listens and has no HEALTHCHECK of the form CMD [\"/program\", \"command\"]")
	}
	for _, match := range checks {
		sources, err := filepath.Glob(filepath.Join(root, "bootstrap", match[1]+"app", "*.go"))
		known := slices.ContainsFunc(sources, func(source string) bool {
			text, err := os.ReadFile(source)
			return err == nil && strings.Contains(string(text), `Use: "`+match[2]+`"`)
		})
		if err != nil || !known || match[1] != match[3] {
			wrong = append(wrong, "the HEALTHCHECK runs "+match[1]+" "+match[2]+", which is no command of the image of "+match[3])
		}
	}
	return wrong
}

// checkIgnore: what .dockerignore lets into the build exists.
func checkIgnore(root string) (wrong []string, err error) {
	text, err := os.ReadFile(filepath.Join(root, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if kept, ok := strings.CutPrefix(strings.TrimSpace(line), "!"); ok {
			if _, err := os.Stat(filepath.Join(root, kept)); err != nil {
				wrong = append(wrong, ".dockerignore keeps "+kept+", which does not exist")
			}
		}
	}
	return wrong, nil
}

func prefixed(prefix string, texts []string) []string {
	for i := range texts {
		texts[i] = prefix + texts[i]
	}
	return texts
}
