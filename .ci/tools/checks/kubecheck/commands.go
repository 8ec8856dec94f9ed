package kubecheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kinds are those of which the guide names objects.
var kinds = map[string]string{
	"configmap": "ConfigMap", "cronjob": "CronJob", "deployment": "Deployment", "job": "Job", "pod": "Pod", "scaledobject": "ScaledObject", "secret": "Secret",
}

// checkCommands: what the commands of the guide name is there.
func (c cluster) checkCommands() (wrong []string) {
	for _, r := range c.asked {
		for _, sentence := range c.checkCommand(r) {
			wrong = append(wrong, fmt.Sprintf("docs/guides/kubernetes.md: kubectl %s: %s", strings.Join(r.args, " "), sentence))
		}
	}
	return wrong
}

func (c cluster) checkCommand(r request) (f findings) {
	path := r.value("-k") + r.value("-f")
	if r.args[0] == "logs" { // -f follows them
		path = ""
	}
	switch path {
	case "":
		f.unless(r.value("-n") == "balsong", "it names no namespace")
	case "-":
		return c.checkPiped(r)
	default:
		_, err := os.Stat(filepath.Join(c.root, path))
		f.unless(err == nil, "there is no %s", path)
	}
	if r.args[0] == "run" || r.value("--dry-run") != "" {
		return f
	}
	for _, named := range named(r) {
		kind, name, _ := strings.Cut(named, "/")
		found := slices.ContainsFunc(c.objects, func(o object) bool { return o.Kind == kinds[kind] && (name == "" || o.Metadata.Name == name) })
		f.unless(found, "there is no %s", named)
	}
	if label := r.value("-l"); label != "" {
		key, value, _ := strings.Cut(label, "=")
		found := slices.ContainsFunc(c.objects, func(o object) bool {
			_, labels, _ := o.pods()
			return o.Metadata.Labels[key] == value || labels[key] == value
		})
		f.unless(found, "nothing has the label %s", label)
	}
	return f
}

// named returns the arguments that name a kind, or an object of it.
func named(r request) (named []string) {
	for _, arg := range r.args[1:] {
		kind, _, object := strings.Cut(strings.TrimPrefix(arg, "--from="), "/")
		if kinds[kind] != "" && (object || r.args[0] != "create") {
			named = append(named, strings.TrimPrefix(arg, "--from="))
		}
	}
	return named
}

// checkPiped: an object that comes from a pipe is one, and the rules for Prometheus are those of the file.
func (c cluster) checkPiped(r request) (f findings) {
	var made struct {
		Kind     string `yaml:"kind"`
		Metadata struct {
			Name      string `yaml:"name"`
			Namespace string `yaml:"namespace"`
		} `yaml:"metadata"`
		Spec any `yaml:"spec"`
	}
	err := yaml.Unmarshal([]byte(r.stdin), &made)
	f.unless(err == nil && made.Kind != "" && made.Metadata.Name != "" && made.Metadata.Namespace != "", "what comes from the pipe is no object with a name and a namespace (%v): %s", err, r.stdin)
	if made.Kind == "PrometheusRule" {
		var rules any
		text, err := os.ReadFile(filepath.Join(c.root, "deploy/prometheus/rules.yaml"))
		f.unless(err == nil && yaml.Unmarshal(text, &rules) == nil && reflect.DeepEqual(rules, made.Spec), "its spec is not deploy/prometheus/rules.yaml")
	}
	return f
}

// checkRestored: a database that was not checked is given to nothing but the operator's command and jobs by hand.
func (c cluster) checkRestored() (wrong []string) {
	const restored = "database-restored"
	read := map[string][]string{}
	for _, o := range c.objects {
		if p, _, ok := o.pods(); ok {
			for _, from := range p.Containers[0].EnvFrom {
				if strings.HasPrefix(from.ConfigMap.Name, "database") {
					of := o.Kind + " " + o.Metadata.Name
					read[of] = append(read[of], from.ConfigMap.Name)
				}
			}
		}
	}
	for _, of := range slices.Sorted(maps.Keys(read)) {
		byHand := strings.HasPrefix(of, "Job ") || strings.HasPrefix(of, "Pod ")
		if slices.Contains(read[of], restored) != byHand || !slices.Contains(read[of], "database") {
			wrong = append(wrong, fmt.Sprintf("%s: it reads %v: the ConfigMap %s is for the command and the jobs by hand, which read that or the other one", of, read[of], restored))
		}
	}
	return wrong
}

// operators returns the pods that the guide's command makes, each once.
func operators(asked []request) (pods [][]byte, err error) {
	var seen []string
	for _, r := range asked {
		overrides := r.value("--overrides")
		if r.args[0] != "run" || slices.Contains(seen, overrides) {
			continue
		}
		seen = append(seen, overrides)
		pod, err := asRun(r.args[1], r.value("--image"), overrides)
		if err != nil {
			return nil, err
		}
		pods = append(pods, pod)
	}
	return pods, nil
}

// patched returns objects as the guide's patches leave them.
func patched(asked []request, text []byte) (objects [][]byte, err error) {
	var seen []string
	for _, r := range asked {
		if r.args[0] != "patch" || slices.Contains(seen, r.value("-p")) {
			continue
		}
		seen = append(seen, r.value("-p"))
		object, err := patch(named(r)[0], r.value("-p"), text)
		if err != nil {
			return nil, fmt.Errorf("docs/guides/kubernetes.md: kubectl patch %s -p %s: %w", named(r)[0], r.value("-p"), err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

func patch(named, with string, text []byte) ([]byte, error) {
	var change map[string]any
	if err := json.Unmarshal([]byte(with), &change); err != nil {
		return nil, err
	}
	kind, name, _ := strings.Cut(named, "/")
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		var o map[string]any
		if err := yaml.Unmarshal([]byte(part), &o); err != nil {
			return nil, err
		}
		if metadata, _ := o["metadata"].(map[string]any); o["kind"] == kinds[kind] && metadata["name"] == name {
			merge(o, change)
			return yaml.Marshal(o)
		}
	}
	return nil, errors.New("there is no such object")
}

// merge changes an object as a strategic merge patch does where no list is in it.
func merge(into, change map[string]any) {
	for key, value := range change {
		part, is := value.(map[string]any)
		if old, was := into[key].(map[string]any); is && was {
			merge(old, part)
			continue
		}
		into[key] = value
	}
}
